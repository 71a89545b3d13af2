/**
 * The engine: operations append commands to its queue; reading flushes. It owns memory (a pool of addresses), scopes that
 * free tensors together, the autograd tape, and captured programs. It knows no operation and no backend by name.
 */
import type { Node } from './autograd.ts'
import type { Backend, DType, FloatArray, Precision } from './backend.ts'
import { CommandList } from './command.ts'
import type { KernelName } from './kernels.ts'
import { Pool } from './pool.ts'
import { Program } from './program.ts'
import { type Shape, show, sizeOf, type Storage, Tensor } from './tensor.ts'

export class Engine {
  readonly backend: Backend
  /** Operations recorded for `backward`, in order. */
  tape: Node[] = []
  recording = true
  /** Of the factors of matrix products recorded from now on. */
  precision: Precision = 'f32'
  /** The pool of this moment: the engine's own, or that of the program being captured. */
  pool: Pool
  private scopes: Storage[][] = []
  private queue = new CommandList()
  private capturing: Program | null = null
  private running: Promise<void> | null = null

  constructor(backend: Backend) {
    this.backend = backend
    this.pool = new Pool((bytes) => backend.reserve(bytes), backend.blockBytes)
  }

  /** A tensor from values: f32, or i32 for ids and positions. Belongs to the scope it is made in. */
  tensor(values: ArrayLike<number>, shape: Shape = [values.length], dtype: DType = 'f32'): Tensor {
    const t = this.empty(shape, dtype)
    this.write(t, values)
    return t
  }

  /** Uninitialised memory. */
  empty(shape: Shape, dtype: DType = 'f32'): Tensor {
    for (const d of shape)
      if (!Number.isInteger(d) || d < 1)
        throw new Error(`a tensor of shape ${show(shape)}: sizes are whole numbers from 1`)
    const bytes = sizeOf(shape) * this.backend.elementBytes
    const owner = this.scopes.length > 0 ? 'scope' : 'user'
    const storage: Storage = { address: this.pool.allocate(bytes), bytes, freed: false, owner, pool: this.pool }
    this.scopes.at(-1)?.push(storage)
    this.capturing?.uses.add(storage)
    return new Tensor(this, shape, dtype, storage)
  }

  /** Filled with one value. */
  full(shape: Shape, value: number): Tensor {
    const t = this.empty(shape)
    this.enqueue('fill', [t], [t.size], [value])
    return t
  }

  zeros(shape: Shape): Tensor {
    return this.full(shape, 0)
  }

  /**
   * What every operation asks before it allocates: operands of this engine, alive, f32 or (the second list) i32. Throws naming the
   * operation and all shapes.
   */
  expect(
    op: string,
    floats: readonly (Tensor | null | undefined)[],
    integers: readonly (Tensor | null | undefined)[] = [],
  ): void {
    const check = (t: Tensor | null | undefined, dtype: DType) => {
      if (!t) return
      const all = [...floats, ...integers].flatMap((one) => (one ? [show(one.shape)] : [])).join(', ')
      const refuse = (why: string) => new Error(`${op}: tensor ${show(t.shape)} ${why} (operands: ${all})`)
      if (t.engine !== this)
        throw refuse(`belongs to another engine (${t.engine.backend.name}, this one is ${this.backend.name})`)
      if (t.storage.freed) throw refuse('has been freed')
      if (t.dtype !== dtype) throw refuse(`is ${t.dtype}, expected ${dtype}`)
    }
    for (const t of floats) check(t, 'f32')
    for (const t of integers) check(t, 'i32')
  }

  /** Appends one command. `null` marks an absent operand. */
  enqueue(
    kernel: KernelName,
    tensors: readonly (Tensor | null | undefined)[],
    dims: readonly number[],
    scalars: readonly number[] = [],
  ): void {
    const addresses = tensors.map((t) => (t ? this.addressOf(kernel, t) : 0))
    this.queue.push(kernel, dims, scalars, addresses)
    if (this.capturing) for (const t of tensors) if (t) this.capturing.uses.add(t.storage)
  }

  /** Frees every tensor made inside, except the returned ones and what the tape still needs. Not for async functions. */
  scope<T>(body: () => T): T {
    this.scopes.push([])
    const done = (result: T) => {
      if (result instanceof Promise)
        throw new Error('scope: the function must not be async; return tensors and read them outside')
      const kept = new Set(tensorsIn(result).map((t) => t.storage))
      const made = new Set(this.scopes.pop())
      // What `backward` will read besides outputs: inputs made here, handed to the first node that needs them (the last to run).
      for (const node of this.tape)
        for (const t of node.inputs)
          if (made.has(t.storage) && t.storage.owner === 'scope' && !kept.has(t.storage)) {
            t.storage.owner = 'tape'
            node.saved.push(t)
          }
      for (const s of made) {
        if (s.freed || s.owner !== 'scope') continue
        if (!kept.has(s)) this.release(s)
        else if (this.scopes.length > 0) this.scopes.at(-1)!.push(s)
        else s.owner = 'user'
      }
      return result
    }
    try {
      return done(body())
    } catch (error) {
      done(undefined as T)
      throw error
    }
  }

  /** Records nothing for backward inside. */
  noGrad<T>(body: () => T): T {
    const before = this.recording
    this.recording = false
    try {
      return body()
    } finally {
      this.recording = before
    }
  }

  /**
   * Records the commands of `body` without running them, with memory of their own, for replay. Tensors that `body`
   * returns can be read after each run; per-step values must lie in tensors made outside.
   */
  capture<T>(body: () => T): Program<T> {
    if (this.capturing) throw new Error('capture: a program is being captured already')
    this.flush()
    const { queue, pool, scopes } = this
    this.queue = new CommandList()
    this.pool = new Pool((bytes) => this.backend.reserve(bytes), this.backend.blockBytes)
    this.scopes = []
    const program = new Program<T>(this, this.queue, this.pool)
    this.capturing = program
    try {
      program.outputs = this.scope(body)
      program.seal()
      if (this.tape.length > 0)
        throw new Error(
          `capture: ${this.tape.length} operations were recorded for a backward pass that never came (use noGrad)`,
        )
      return program
    } catch (error) {
      this.tape = []
      program.free()
      throw error
    } finally {
      this.queue = queue
      this.pool = pool
      this.scopes = scopes
      this.capturing = null
    }
  }

  /** Runs a list now, or as soon as an asynchronous backend is done with what went before. */
  submit(commands: CommandList): void {
    if (this.running) this.running = this.running.then(() => this.backend.execute(commands))
    else this.running = this.backend.execute(commands) ?? null
  }

  flush(): void {
    if (this.capturing || this.queue.count === 0) return
    const queue = this.queue
    this.submit(queue)
    if (this.running) this.queue = new CommandList()
    else queue.clear()
  }

  async read(t: Tensor): Promise<FloatArray | Int32Array> {
    this.refuseInCapture('read')
    this.addressOf('read', t)
    this.flush()
    await this.settle()
    return this.backend.read(t.address, t.dtype, t.size)
  }

  write(t: Tensor, values: ArrayLike<number>): void {
    this.refuseInCapture('write')
    if (values.length !== t.size)
      throw new Error(`write: ${values.length} values for a tensor of shape ${show(t.shape)} (${t.size} elements)`)
    const address = this.addressOf('write', t)
    this.flush()
    if (!this.running) return this.backend.write(address, t.dtype, values)
    const copy = Array.from(values)
    this.running = this.running.then(() => this.backend.write(address, t.dtype, copy))
  }

  /** Waits until everything submitted has run. */
  async settle(): Promise<void> {
    while (this.running) {
      const now = this.running
      await now
      if (this.running === now) this.running = null
    }
  }

  free(t: Tensor): void {
    if (!t.storage.freed) this.release(t.storage)
  }

  /** Takes a tensor out of its scope: it lives until `free`. */
  keep(t: Tensor): Tensor {
    t.storage.owner = 'user'
    return t
  }

  /** Gives all memory back, that of programs aside: they are freed by whoever captured them. */
  async close(): Promise<void> {
    await this.settle()
    for (const { address, bytes } of this.pool.drain()) this.backend.release(address, bytes)
    await this.backend.close()
  }

  private release(s: Storage): void {
    s.freed = true
    s.pool.release(s.address, s.bytes)
  }

  refuseInCapture(what: string): void {
    if (this.capturing)
      throw new Error(`${what}: not possible while a program is being captured; do it before, or after run()`)
  }

  private addressOf(op: string, t: Tensor): number {
    if (t.engine !== this)
      throw new Error(
        `${op}: tensor ${show(t.shape)} belongs to another engine (${t.engine.backend.name}, this one is ${this.backend.name})`,
      )
    if (t.storage.freed) throw new Error(`${op}: tensor ${show(t.shape)} has been freed`)
    return t.address
  }
}

/** Tensors in a returned value: itself, or in an array or plain object, one level deep. */
function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value]
  if (value && typeof value === 'object') return Object.values(value).filter((v) => v instanceof Tensor)
  return []
}

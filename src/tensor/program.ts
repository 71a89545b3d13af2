/**
 * A captured list of commands with the memory its intermediate values live in. `run` replays it: no allocation, no
 * per-operation cost in TypeScript.
 */
import type { CommandList } from './command.ts'
import type { Engine } from './engine.ts'
import type { Pool } from './pool.ts'
import type { Storage } from './tensor.ts'

export class Program<T = unknown> {
  /** What the captured function returned; its tensors hold the values of the latest run. */
  outputs!: T
  /** Every storage that it made or that a command names: to refuse a run after one was freed, and their use after the program was. */
  readonly uses = new Set<Storage>()
  private readonly engine: Engine
  private readonly commands: CommandList
  private readonly pool: Pool
  private outside: Storage[] = []
  private freed = false

  constructor(engine: Engine, commands: CommandList, pool: Pool) {
    this.engine = engine
    this.commands = commands
    this.pool = pool
  }

  /** Commands in the list, and bytes of its own memory at most in use. */
  get size(): { commands: number; bytes: number } {
    return { commands: this.commands.count, bytes: this.pool.peak }
  }

  /** Called when the capture ends: what lies outside must live as long as the program. */
  seal(): void {
    this.outside = [...this.uses].filter((s) => s.pool !== this.pool)
  }

  run(): void {
    if (this.freed) throw new Error('run: this program has been freed')
    this.engine.refuseInCapture('run')
    for (const s of this.outside) if (s.freed) throw new Error('run: a tensor that this program uses has been freed')
    this.engine.flush()
    this.engine.submit(this.commands)
  }

  /** Decoded commands, for profiles and tests. */
  *[Symbol.iterator]() {
    for (let i = 0; i < this.commands.count; i++) yield this.commands.at(i)
  }

  /** Gives the program's memory back; its outputs cannot be used any more. */
  free(): void {
    if (this.freed) return
    this.freed = true
    this.engine.flush() // commands that wait may name its memory
    for (const s of this.uses) if (s.pool === this.pool) s.freed = true
    for (const block of this.pool.drain()) this.engine.backend.release(block.address, block.bytes)
  }
}

/**
 * Decoding many sequences at once. A sequence has a slot of the cache for as long as it runs, and a row of the step, which
 * moves: running rows are kept together at the front, so that a step costs what the next power of two of them costs. One
 * captured program per step size goes from ids to the next ids; the host looks at it only between calls of `advance`.
 * Where a crowd must not change a bit, a step is cut into programs of few rows: their products are all made alike.
 * A long prompt may be computed piece by piece between the steps of others, who then do not wait for the whole of it.
 * A slot remembers its tokens, so that a prompt that starts like a sequence already computed copies that part.
 */
import { hiddenStates, type Model } from '../nn/index.ts'
import {
  add,
  type FloatArray,
  linear,
  type Program,
  sample,
  sampleFinish,
  sampleState,
  type Tensor,
} from '../tensor/index.ts'
import { createCache, type Place } from './cache.ts'
import { checkPrompt, type Finish, type GenerateOptions, settingsOf, stateOf } from './sampling.ts'

/** Shorter common beginnings are computed again. */
const WORTH_COPYING = 8 // tokens

/** Rows up to which every backend computes a row's bits the same way, however many stand beside it (`SKINNY` in kernels/gemm.c). */
export const EXACT_ROWS = 16

export interface Request {
  prompt: ArrayLike<number>
  /** Random stream: with the seed, it decides the tokens, whatever else runs beside. */
  stream: number
  options: GenerateOptions
}

/** A request that has a slot. `ids` and `logProbs` are filled when it ends. */
export interface Sequence {
  request: Request
  slot: number
  /** Its row in the latest step. */
  row: number
  /** The token that the latest step drew. */
  latest: number
  ids: Int32Array
  /** log p of each token in nats at temperature 1, under the model's whole distribution, or what a mask left of it. */
  logProbs: Float32Array
  finish: Finish | null
}

interface Row {
  sequence: Sequence
  id: number
  position: number
  settings: number[]
  state: ArrayLike<number>
  mask: ArrayLike<number> | null
}

/** A sequence whose prompt is not in the cache yet. */
interface Filling {
  row: Row
  prompt: readonly number[]
  /** Tokens of it that are in its slot. */
  done: number
  /** The beginning that another slot will hold once that one is filled so far; null when it has been copied, or there is none. */
  copy: { source: number; shared: number } | null
}

/** A step of some neighbouring rows. */
type Step = Program<{ logits: Tensor }>

export interface Session {
  model: Model
  /** Tokens of a sequence, the prompt counted. */
  capacity: number
  /** Slots that are free. */
  readonly room: number
  readonly running: number
  /**
   * Starts requests, as many as there is room for: fills the cache with all but the last token of each prompt, at once or, with
   * `prefill`, in the calls of `advance` that follow.
   */
  add(requests: readonly Request[]): Sequence[]
  /** Runs so many steps, a token each, and returns the sequences that ended. Sequences whose `row` is −1 still wait for their prompt. */
  advance(steps: number): Promise<Sequence[]>
  /** (V): the logits that the latest step drew this sequence's token from, without its mask; also when it has just ended. */
  logits(sequence: Sequence): Promise<FloatArray>
  /** (V): added to a running sequence's logits from the next step on; −∞ forbids an id. `null` allows all again. */
  constrain(sequence: Sequence, mask: ArrayLike<number> | null): void
  /** Tokens a running sequence has been given so far, from the `from`th on, and their log-probabilities. */
  read(sequence: Sequence, from: number, to: number): Promise<{ ids: Int32Array; logProbs: Float32Array }>
  /** Ends a sequence before its time. */
  drop(sequence: Sequence): void
  /**
   * Forgets what the slots hold, and in which order they were used: to be called when the weights have changed. What is computed
   * from then on has the bits that a new session gives it.
   */
  forget(): void
  free(): void
}

export interface SessionOptions {
  /** A sequence gets the same bits whatever runs beside it. Large batches and long prompts are slower for it. */
  exact?: boolean
  /** Tokens of prompts that are computed before the steps of one `advance`; default: all of them, when they are added. */
  prefill?: number
}

/** `slots` sequences at a time of at most `capacity` tokens each. */
export function createSession(
  model: Model,
  slots: number,
  capacity: number,
  { exact = false, prefill = Infinity }: SessionOptions = {},
): Session {
  const { engine, config } = model
  if (capacity > config.maxPositions)
    throw new Error(`generate: ${capacity} tokens do not fit a model of ${config.maxPositions} positions`)
  const { vocabSize } = config
  const most = exact ? EXACT_ROWS : slots // rows of a program
  const cache = createCache(model, slots, capacity, exact ? EXACT_ROWS : undefined)
  const integers = (...shape: number[]) => engine.keep(engine.empty(shape, 'i32'))
  const row = {
    settings: engine.keep(engine.empty([slots, 8])),
    state: integers(slots, 8),
    ids: integers(slots),
    positions: integers(slots),
    slots: integers(slots),
  }
  const tokens = integers(slots, capacity)
  const logProbs = engine.keep(engine.empty([slots, capacity]))
  let masks: Tensor | null = null // (slots, V), once somebody asks for one
  const programs = new Map<string, Step>()
  /** What the cache holds for each slot, and the slots nobody uses, longest unused first. */
  const held: number[][] = Array.from({ length: slots }, () => [])
  const unused = [...held.keys()]
  let rows: Row[] = []
  let filling: Filling[] = []
  let current: Step[] = []
  let moved = true

  const rowsFrom = (first: number, size: number) => ({
    settings: row.settings.view([size, 8], first * 8),
    state: row.state.view([size, 8], first * 8),
    ids: row.ids.view([size], first),
    positions: row.positions.view([size], first),
    slots: row.slots.view([size], first),
  })

  function programOf(first: number, size: number, masked: boolean): Step {
    const name = `${first} ${size} ${masked}`
    let program = programs.get(name)
    if (!program) {
      const inputs = rowsFrom(first, size)
      program = engine.capture(() =>
        engine.noGrad(() => {
          const x = hiddenStates(model, inputs.ids, cache.attend(inputs.slots, inputs.positions)) // (B, C)
          const logits = linear(x, model.head) // (B, V)
          const allowed = masked ? add(logits, masks!.view([size, vocabSize], first * vocabSize)) : logits
          sample({ logits: allowed, ...inputs, tokens, logProbs })
          return { logits }
        }),
      )
      programs.set(name, program)
    }
    return program
  }

  /** Writes the rows, and chooses the programs they fit. */
  function arrange(): void {
    let size = 0
    current = []
    for (let first = 0; first < rows.length; first += most) {
      const part = rows.slice(first, first + most)
      const width = Math.min(most, slots - first, 2 ** Math.ceil(Math.log2(part.length)))
      const masked = part.some((r) => r.mask)
      if (masked) part.forEach((r, i) => writeMask(first + i, r.mask))
      current.push(programOf(first, width, masked))
      size = first + width
    }
    const inputs = rowsFrom(0, size)
    const column = (of: (r: Row) => number, padding: number) =>
      Int32Array.from({ length: size }, (_, i) => (i < rows.length ? of(rows[i]!) : padding))
    const matrix = (of: (r: Row) => ArrayLike<number>) => {
      const values = new Float64Array(size * 8)
      rows.forEach((r, i) => values.set(of(r), i * 8))
      return values
    }
    inputs.settings.write(matrix((r) => r.settings))
    inputs.state.write(matrix((r) => r.state))
    inputs.ids.write(column((r) => r.id, 0))
    inputs.positions.write(column((r) => r.position, 0))
    inputs.slots.write(column((r) => r.sequence.slot, -1))
    rows.forEach((r, i) => (r.sequence.row = i))
    moved = false
  }

  function writeMask(i: number, mask: ArrayLike<number> | null): void {
    masks ??= engine.keep(engine.zeros([slots, vocabSize]))
    masks.view([vocabSize], i * vocabSize).write(mask ?? new Float32Array(vocabSize))
  }

  /** Copies what is complete by now, and computes so many tokens, first come first served. */
  function fill(budget: number): void {
    const isFilling = (slot: number, length: number) =>
      filling.some(({ row, done }) => row.sequence.slot === slot && done < length)
    for (let moving = true; moving && filling.length > 0;) {
      const places: Place[] = []
      const taken = new Map<Filling, number>()
      for (const one of filling) {
        const { slot } = one.row.sequence
        if (one.copy) {
          if (isFilling(one.copy.source, one.copy.shared)) continue // its turn comes when that one has run
          cache.copyPrefix(one.copy.source, slot, one.copy.shared)
          Object.assign(one, { done: one.copy.shared, copy: null })
        }
        const count = Math.min(budget - places.length, one.prompt.length - 1 - one.done)
        for (let p = one.done; p < one.done + count; p++) places.push({ id: one.prompt[p]!, slot, position: p })
        taken.set(one, count)
      }
      cache.prefill(places)
      budget -= places.length
      for (const [one, count] of taken) one.done += count
      const ready = filling.filter(({ copy, done, prompt }) => !copy && done === prompt.length - 1)
      filling = filling.filter((one) => !ready.includes(one))
      rows.push(...ready.map(({ row }) => row))
      if (ready.length > 0) moved = true
      moving = places.length > 0 || ready.length > 0
    }
  }

  /** A prompt that goes away leaves what it has computed; those that wait for it take that much. */
  function abandon(one: Filling): void {
    const { slot } = one.row.sequence
    filling = filling.filter((other) => other !== one)
    for (const other of filling) {
      if (other.copy?.source !== slot) continue
      const done = Math.min(other.copy.shared, one.done)
      if (done > 0) cache.copyPrefix(slot, other.row.sequence.slot, done)
      Object.assign(other, { done, copy: null })
    }
    held[slot]!.length = one.done
    unused.push(slot)
  }

  /** Finds a slot for a prompt, and the slot whose beginning it shares. */
  function place(prompt: readonly number[]): { slot: number; source: number; shared: number } {
    let best = { source: -1, shared: 0 }
    held.forEach((past, slot) => {
      const shared = commonPrefix(past, prompt)
      if (shared > best.shared) best = { source: slot, shared }
    })
    if (best.shared < WORTH_COPYING) best = { source: -1, shared: 0 }
    const own = unused.indexOf(best.source)
    const [slot = -1] = unused.splice(Math.max(0, own), 1)
    held[slot] = [...prompt]
    return { slot, ...best }
  }

  function leave(r: Row, generated: ArrayLike<number>): void {
    rows = rows.filter((other) => other !== r)
    moved = true
    const { slot, request } = r.sequence
    held[slot] = [...Array.from(request.prompt), ...Array.from(generated)].slice(0, -1) // the last was never fed
    unused.push(slot)
  }

  async function read({ slot, request }: Sequence, from: number, to: number) {
    if (to <= from) return { ids: new Int32Array(), logProbs: new Float32Array() }
    const start = slot * capacity + request.prompt.length + from
    const ids = await tokens.view([to - from], start).readInts()
    return { ids, logProbs: Float32Array.from(await logProbs.view([to - from], start).read()) }
  }

  return {
    model,
    capacity,
    get room() {
      return unused.length
    },
    get running() {
      return rows.length + filling.length
    },
    add(requests) {
      if (requests.length === 0) return []
      if (requests.length > unused.length)
        throw new Error(`session: ${requests.length} sequences for ${unused.length} free slots`)
      const fresh = requests.map((request, i): Row => {
        const { prompt, options, stream } = request
        checkPrompt(`prompt ${i}`, prompt, vocabSize, capacity)
        const sequence = {
          request,
          slot: -1,
          row: -1,
          latest: -1,
          ids: new Int32Array(),
          logProbs: new Float32Array(),
          finish: null,
        }
        const position = prompt.length - 1
        const state = stateOf(options, stream, capacity - prompt.length, vocabSize)
        return { sequence, id: prompt[position]!, position, settings: settingsOf(options), state, mask: null }
      })
      for (const row of fresh) {
        const prompt = Array.from(row.sequence.request.prompt)
        const { slot, source, shared } = place(prompt.slice(0, -1))
        row.sequence.slot = slot
        tokens.view([prompt.length], slot * capacity).write(prompt)
        const isWhole = source >= 0 && !filling.some((other) => other.row.sequence.slot === source)
        if (isWhole && source !== slot) cache.copyPrefix(source, slot, shared)
        const copy = isWhole || source < 0 ? null : { source, shared }
        filling.push({ row, prompt, done: isWhole ? shared : 0, copy })
      }
      if (prefill === Infinity) fill(Infinity)
      return fresh.map((r) => r.sequence)
    },
    async advance(steps) {
      fill(prefill)
      if (rows.length === 0) return []
      if (moved) arrange()
      for (let i = 0; i < steps; i++) for (const program of current) program.run()
      const [state, ids, positions] = await Promise.all([row.state, row.ids, row.positions].map((t) => t.readInts()))
      rows.forEach((r, i) => {
        r.state = state!.slice(i * 8, i * 8 + 8)
        r.id = r.sequence.latest = ids![i]!
        r.position = positions![i]!
      })
      const ended = rows.filter((r) => !r.state[sampleState.active])
      const bad = ended.find((r) => sampleFinish[r.state[sampleState.finish]!] === 'not finite')
      if (bad) {
        for (const r of rows) leave(r, [])
        const after = bad.state[sampleState.generated]
        throw new Error(
          `generate: the logits after ${after} new tokens are not finite numbers: are the weights damaged?`,
        )
      }
      for (const r of ended) {
        const finish = sampleFinish[r.state[sampleState.finish]!] as Finish
        Object.assign(r.sequence, await read(r.sequence, 0, r.state[sampleState.generated]!), { finish })
        leave(r, r.sequence.ids)
      }
      return ended.map((r) => r.sequence)
    },
    async logits({ row }) {
      const program = current[Math.floor(row / most)]
      if (row < 0 || !program) throw new Error('session: no step has run yet')
      return program.outputs.logits.view([vocabSize], (row % most) * vocabSize).read()
    },
    constrain(sequence, mask) {
      const waiting = filling.find(({ row }) => row.sequence === sequence)?.row
      const r = waiting ?? rows.find((r) => r.sequence === sequence)
      if (!r) throw new Error('session: this sequence does not run')
      const before = r.mask
      r.mask = mask
      if (moved || waiting) return // written when the rows are arranged
      if (mask && before) writeMask(sequence.row, mask)
      else moved = true
    },
    read,
    drop(sequence) {
      const waiting = filling.find(({ row }) => row.sequence === sequence)
      if (waiting) return abandon(waiting)
      const r = rows.find((r) => r.sequence === sequence)
      if (r) leave(r, [])
    },
    forget() {
      held.forEach((past) => (past.length = 0))
      unused.sort((a, b) => a - b)
    },
    free() {
      for (const program of programs.values()) program.free()
      for (const t of [...Object.values(row), tokens, logProbs, masks]) t?.free()
      cache.free()
    },
  }
}

/** For whoever wants a session to itself: sequences of another caller would be taken from it. */
export function expectIdle(model: Model, session: Session | undefined): void {
  if (!session) return
  if (session.model !== model) throw new Error('generate: the session was made for another model')
  if (session.running > 0)
    throw new Error(`generate: the session is in use (${session.running} sequences running); give each caller its own`)
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let n = 0
  while (n < a.length && n < b.length && a[n] === b[n]) n++
  return n
}

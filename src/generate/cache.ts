/**
 * Keys and values of many sequences, (slots, kvHeads, capacity, headDim) for each layer, and the two ways to fill a slot
 * with a prompt: compute it (prefill) or copy what another slot already holds. Prefill takes any tokens of any sequences at
 * once, in steps of a few sizes, each captured once. It computes no logits: the last token of a prompt is left to decoding.
 */
import { type Attend, hiddenStates, type Model, type ModelConfig } from '../nn/index.ts'
import { cachedAttention, copy, type Program, type Tensor } from '../tensor/index.ts'

/** Tokens in a step of prefill. */
const SIZES = [1, 4, 16, 64, 256, 1024] as const

/** Bytes that keys and values of one sequence may take where nobody says how long it will be: other models hold a hundred thousand tokens. */
const SEQUENCE_BYTES = 1 << 30

/** Tokens of a sequence that a chat or a server makes room for: all that the model holds, or what fits into 1 GiB. */
export function usualContext({ layers, kvHeads, headDim, maxPositions }: ModelConfig): number {
  const bytesPerToken = layers * kvHeads * headDim * 2 * 4
  return Math.min(maxPositions, Math.floor(SEQUENCE_BYTES / bytesPerToken))
}

/** One token to be computed: where it belongs, and what it is. */
export interface Place {
  id: number
  slot: number
  position: number
}

export interface Cache {
  slots: number
  /** Tokens a slot holds. */
  capacity: number
  /** Attention of tokens with these slots and positions (M) i32; slot −1 is padding. */
  attend(slots: Tensor, positions: Tensor): Attend
  /** Computes and stores keys and values; the tokens of one sequence must come in order. */
  prefill(places: readonly Place[]): void
  /** Copies the first `length` positions of a slot to another. */
  copyPrefix(from: number, to: number, length: number): void
  free(): void
}

/** `most`: tokens in a step of prefill at most, one of the sizes. */
export function createCache(model: Model, slots: number, capacity: number, most: number = SIZES.at(-1)!): Cache {
  const { engine, config, rope } = model
  const { layers, heads, kvHeads, headDim, eps } = config
  const allocate = () =>
    Array.from({ length: layers }, () => engine.keep(engine.empty([slots, kvHeads, capacity, headDim])))
  const [keys, values] = [allocate(), allocate()]
  const integers = () => engine.keep(engine.empty([SIZES.at(-1)!], 'i32'))
  const step = { ids: integers(), slots: integers(), positions: integers() }
  const programs = new Map<number, Program>()

  const attend =
    (slots: Tensor, positions: Tensor): Attend =>
    (qkv, { qNorm, kNorm }, i) => {
      const inputs = { qkv, qNorm, kNorm, rope, keys: keys[i]!, values: values[i]!, slots, positions }
      return cachedAttention(inputs, { heads, kvHeads, headDim, eps })
    }

  const programOf = (size: number): Program => {
    let program = programs.get(size)
    if (!program) {
      const [ids, slots, positions] = [step.ids, step.slots, step.positions].map((t) => t.view([size]))
      program = engine.capture(() => engine.noGrad(() => void hiddenStates(model, ids!, attend(slots!, positions!))))
      programs.set(size, program)
    }
    return program
  }

  return {
    slots,
    capacity,
    attend,
    prefill(places) {
      for (let first = 0; first < places.length;) {
        const size = stepSize(places.length - first, most)
        const part = places.slice(first, first + size)
        const column = (of: (p: Place) => number, padding: number) =>
          Int32Array.from({ length: size }, (_, i) => (i < part.length ? of(part[i]!) : padding))
        step.ids.view([size]).write(column((p) => p.id, 0))
        step.slots.view([size]).write(column((p) => p.slot, -1))
        step.positions.view([size]).write(column((p) => p.position, 0))
        programOf(size).run()
        first += part.length
      }
    },
    copyPrefix(from, to, length) {
      for (const t of [...keys, ...values])
        for (let head = 0; head < kvHeads; head++) {
          const start = (slot: number) => (slot * kvHeads + head) * capacity * headDim
          copy(t.view([length, headDim], start(from)), t.view([length, headDim], start(to)))
        }
    },
    free() {
      for (const program of programs.values()) program.free()
      for (const t of [...keys, ...values, ...Object.values(step)]) t.free()
    },
  }
}

/** The next step when n tokens wait: the largest size they fill, or the one above when they fill half of it; `most` at most. */
export function stepSize(n: number, most: number = SIZES.at(-1)!): number {
  const sizes = SIZES.filter((size) => size <= most)
  const above = sizes.findIndex((size) => size > n)
  if (above < 0) return sizes.at(-1)!
  return n * 2 >= sizes[above]! ? sizes[above]! : sizes[above - 1]!
}

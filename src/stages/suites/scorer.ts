/**
 * Log-probabilities of many texts, each part computed once: the beginning that all texts of a batch share (worked examples) stays in a
 * slot of the cache from batch to batch, the beginning that the choices of a question share is computed in one of their slots and
 * copied, and what remains of all of them goes through the model together. What comes out depends on the batch only by rounding.
 */
import { type Cache, createCache, stepSize } from '../../generate/cache.ts'
import { hiddenStates, type Model, type ModelConfig } from '../../nn/index.ts'
import { negativeLogProbs, type Program, type Tensor } from '../../tensor/index.ts'
import { type Choice, commonLength } from './question.ts'

export interface Scored {
  /** log p of the scored tokens, in nats. */
  sum: number
  tokens: number
}

export interface Scorer {
  /** Of every choice of every group. A choice has two ids or more and fits the model's context. */
  score(groups: readonly (readonly Choice[])[]): Promise<Scored[][]>
  free(): void
}

/** Bytes of keys and values at most, where a batch of one question does not need more. */
const CACHE_BYTES = 1 << 30
const MOST_SLOTS = 33
/** Copying fewer tokens than this costs more than computing them. */
const WORTH_COPYING = 16 // tokens
/** Tokens in a step that computes log-probabilities. */
const STEP = 1024

/** How many slots of `capacity` tokens fit into CACHE_BYTES; `least` in any case. */
export function slotsFor({ layers, kvHeads, headDim }: ModelConfig, capacity: number, least: number): number {
  const bytes = layers * kvHeads * headDim * 2 * 4 * capacity
  return Math.max(least, Math.min(MOST_SLOTS, Math.floor(CACHE_BYTES / bytes)))
}

export function createScorer(model: Model): Scorer {
  const { engine, config } = model
  const integers = () => engine.keep(engine.empty([STEP], 'i32'))
  const step = { ids: integers(), slots: integers(), positions: integers(), targets: integers() }
  const programs = new Map<number, Program<Tensor>>()
  let cache: Cache | null = null
  /** What slot 0 holds: the beginning that all texts share. */
  let trunk: readonly number[] = []

  function forget(): void {
    for (const program of programs.values()) program.free()
    programs.clear()
    cache?.free()
    cache = null
    trunk = []
  }

  /** A cache for texts of this length, in groups of at most so many. */
  function cacheFor(length: number, choices: number): Cache {
    if (cache && cache.capacity >= length && cache.slots > choices) return cache
    forget()
    const capacity = Math.min(config.maxPositions, Math.max(256, 2 ** Math.ceil(Math.log2(length))))
    return (cache = createCache(model, slotsFor(config, capacity, choices + 1), capacity))
  }

  function programOf(size: number, { attend }: Cache): Program<Tensor> {
    let program = programs.get(size)
    if (!program) {
      const [ids, slots, positions, targets] = [step.ids, step.slots, step.positions, step.targets].map((t) =>
        t.view([size]),
      )
      program = engine.capture(() =>
        engine.noGrad(() =>
          negativeLogProbs({
            x: hiddenStates(model, ids!, attend(slots!, positions!)),
            w: model.head,
            targets: targets!,
          }),
        ),
      )
      programs.set(size, program)
    }
    return program
  }

  /** Computes these tokens and hands the loss of each to its owner. */
  async function finish(tokens: readonly Token[], on: Cache): Promise<void> {
    for (let first = 0; first < tokens.length;) {
      const size = stepSize(tokens.length - first, STEP)
      const part = tokens.slice(first, first + size)
      const column = (of: (token: Token) => number, padding: number) =>
        Int32Array.from({ length: size }, (_, i) => (i < part.length ? of(part[i]!) : padding))
      step.ids.view([size]).write(column((t) => t.id, 0))
      step.slots.view([size]).write(column((t) => t.slot, -1))
      step.positions.view([size]).write(column((t) => t.position, 0))
      step.targets.view([size]).write(column((t) => t.target, -1))
      const program = programOf(size, on)
      program.run()
      const losses = await program.outputs.read()
      part.forEach(({ target, owner }, i) => {
        if (target < 0) return
        owner.sum -= losses[i]!
        owner.tokens++
      })
      first += part.length
    }
  }

  async function scoreBatch(groups: readonly (readonly Choice[])[], on: Cache): Promise<Scored[][]> {
    const all = groups.flat()
    const shared = worth(Math.min(commonLength(all.map(({ ids }) => ids)), ...all.map(({ from }) => from - 1)))
    if (shared > 0) {
      const { ids } = all[0]!
      const held = commonLength([trunk, ids])
      on.prefill(ids.slice(held, shared).map((id, i) => ({ id, slot: 0, position: held + i })))
      if (held < shared) trunk = ids.slice(0, shared)
    }
    let slot = 1
    const placed = groups.map((choices) => {
      const own = Math.min(commonLength(choices.map(({ ids }) => ids)), ...choices.map(({ from }) => from - 1))
      const first = slot
      slot += choices.length
      return { choices, first, own: own - shared < WORTH_COPYING ? shared : own }
    })
    if (shared > 0)
      for (const { choices, first, own } of placed)
        for (let i = 0; i < (own > shared ? 1 : choices.length); i++) on.copyPrefix(0, first + i, shared)
    on.prefill(
      placed.flatMap(({ choices, first, own }) =>
        choices[0]!.ids.slice(shared, own).map((id, i) => ({ id, slot: first, position: shared + i })),
      ),
    )
    for (const { choices, first, own } of placed)
      if (own > shared) for (let i = 1; i < choices.length; i++) on.copyPrefix(first, first + i, own)
    const tokens: Token[] = []
    const scores = placed.map(({ choices, first, own }) =>
      choices.map(({ ids, from }, i): Scored => {
        const owner = { sum: 0, tokens: 0 }
        for (let t = own; t < ids.length - 1; t++)
          tokens.push({
            id: ids[t]!,
            slot: first + i,
            position: t,
            target: t + 1 >= from ? ids[t + 1]! : -1,
            owner,
          })
        return owner
      }),
    )
    await finish(tokens, on)
    return scores
  }

  return {
    async score(groups) {
      const longest = Math.max(...groups.flat().map(({ ids }) => ids.length))
      const most = Math.max(...groups.map((choices) => choices.length))
      const on = cacheFor(longest, most)
      const scores: Scored[][] = []
      while (scores.length < groups.length) {
        const batch: (readonly Choice[])[] = []
        let room = on.slots - 1
        for (const choices of groups.slice(scores.length)) {
          room -= choices.length
          if (room < 0) break
          batch.push(choices)
        }
        scores.push(...(await scoreBatch(batch, on)))
      }
      return scores
    },
    free() {
      forget()
      for (const t of Object.values(step)) t.free()
    },
  }
}

interface Token {
  id: number
  slot: number
  position: number
  /** The next id, or −1. */
  target: number
  owner: Scored
}

const worth = (tokens: number) => (tokens < WORTH_COPYING ? 0 : tokens)

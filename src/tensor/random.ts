/**
 * Counter-based random numbers: Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A value is a pure function of (seed, stream, step, index), so that a resumed run, another thread count or another
 * backend draws the same numbers. Streams separate uses (initial weights, shuffling, sampling); steps and indices count
 * inside a stream. The kernels hold the same function (kernels/sample.c); `random.test.ts` checks this one
 * against known answers, `ops/sample.test.ts` the kernels' against this one.
 */

const M0 = 0xd2511f53
const M1 = 0xcd9e8d57

/** The high 32 bits of a 32×32-bit product, without BigInt. */
function highOf(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const cross = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) | 0
}

type Counter = readonly [number, number, number, number]
type Key = readonly [number, number]

/** Four uint32 from a 128-bit counter and a 64-bit key, into `out`: a model's weights are hundreds of millions of draws. */
function draw(out: Uint32Array, counter: Counter, key: Key): void {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = highOf(M0, c0)
    const high1 = highOf(M1, c2)
    const low0 = Math.imul(M0, c0)
    const low1 = Math.imul(M1, c2)
    c0 = high1 ^ c1 ^ k0
    c1 = low1
    c2 = high0 ^ c3 ^ k1
    c3 = low0
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/** Four uint32 from a 128-bit counter and a 64-bit key. */
export function philox(counter: Counter, key: Key): number[] {
  const out = new Uint32Array(4)
  draw(out, counter, key)
  return [...out]
}

/** 32-bit FNV-1a of a stream's name. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A sequence of draws: `random(seed, 'shuffle', step)`; equal arguments give equal sequences. */
export interface Random {
  /** Uint32. */
  bits(): number
  /** Uniform in [0, 1), 24 bits. */
  uniform(): number
  /** Standard normal (Box–Muller). */
  normal(): number
  /** Uniform integer in [0, n). */
  below(n: number): number
  /** One item of a non-empty list. */
  pick<T>(items: readonly T[]): T
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[]
}

export function random(seed: number, stream: string, step = 0): Random {
  const key: [number, number] = [seed >>> 0, streamOf(stream)]
  let index = 0
  const block = new Uint32Array(4)
  const bits = () => {
    if (index % 4 === 0) draw(block, [index / 4, step >>> 0, Math.floor(step / 2 ** 32), 0], key)
    return block[index++ % 4]!
  }
  const uniform = () => (bits() >>> 8) / 2 ** 24
  const below = (n: number) => Math.floor((bits() / 2 ** 32) * n)
  return {
    bits,
    uniform,
    below,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: (items) => items[below(items.length)]!,
    shuffle(items) {
      const copy = [...items]
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1)
        ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
      }
      return copy
    },
  }
}

/**
 * Python's `random.Random`, as far as nanochat's CORE needs it: its order of questions and its choice of worked examples are drawn with it,
 * and only the same draws make the same prompts. The Mersenne Twister of Matsumoto and Nishimura ("Mersenne Twister", 1998); how
 * Python makes whole numbers, samples and shuffles of it: CPython, Modules/_randommodule.c and Lib/random.py (3.12). Everything of our own
 * draws from xueba's Philox.
 */

export interface PythonRandom {
  /** 1 to 32 bits. */
  bits(count: number): number
  below(n: number): number
  /** Shuffles in place. */
  shuffle(items: unknown[]): void
  /** `count` different places of `n`. */
  sample(n: number, count: number): number[]
}

const [N, M] = [624, 397]

/** `seed`: a whole number from 0 to 2^53 − 1. */
export function pythonRandom(seed: number): PythonRandom {
  const state = seeded(seed)
  let at = N
  const word = (): number => {
    if (at === N) {
      turn(state)
      at = 0
    }
    let y = state[at++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
  const bits = (count: number) => word() >>> (32 - count)
  const below = (n: number): number => {
    const count = 32 - Math.clz32(n)
    let drawn = bits(count)
    while (drawn >= n) drawn = bits(count)
    return drawn
  }
  return {
    bits,
    below,
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = below(i + 1)
        ;[items[i], items[j]] = [items[j], items[i]]
      }
    },
    sample(n, count) {
      if (count > n) throw new RangeError(`a sample of ${count} from ${n}`)
      // Python keeps a list of what is left where that is smaller than a set of what is taken.
      const setSize = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 0)
      if (n <= setSize) {
        const left = Array.from({ length: n }, (_, i) => i)
        return Array.from({ length: count }, (_, i) => {
          const j = below(n - i)
          const taken = left[j]!
          left[j] = left[n - i - 1]!
          return taken
        })
      }
      const taken = new Set<number>()
      while (taken.size < count) taken.add(below(n))
      return [...taken]
    },
  }
}

/** init_by_array with the seed's words of 32 bits. */
function seeded(seed: number): Uint32Array {
  const key = seed < 2 ** 32 ? [seed] : [seed % 2 ** 32, Math.floor(seed / 2 ** 32)]
  const state = new Uint32Array(N)
  state[0] = 19650218
  const mixed = (i: number) => state[i - 1]! ^ (state[i - 1]! >>> 30)
  for (let i = 1; i < N; i++) state[i] = Math.imul(mixed(i), 1812433253) + i
  let i = 1
  const step = () => {
    if (++i < N) return
    state[0] = state[N - 1]!
    i = 1
  }
  for (let k = 0; k < N; k++) {
    const j = k % key.length
    state[i] = (state[i]! ^ Math.imul(mixed(i), 1664525)) + key[j]! + j
    step()
  }
  for (let k = 1; k < N; k++) {
    state[i] = (state[i]! ^ Math.imul(mixed(i), 1566083941)) - i
    step()
  }
  state[0] = 0x80000000
  return state
}

function turn(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff)
    state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
  }
}

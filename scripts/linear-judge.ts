/**
 * A judge that knows words and nothing else: the reward is a linear function of an answer's hashed words and pairs of words, and of the words that the prompt
 * does not have, each text scaled to length 1; learnt from pairs with Bradley and Terry's loss by plain gradient steps. A baseline for reward models.
 */
import { random, streamOf } from '../src/tensor/random.ts'
import type { Message } from '../src/tokenizer/index.ts'

const SIZE = 1 << 18

type Features = Map<number, number>

function featuresOf(answer: readonly Message[]): Features {
  const words = (text: string) => text.toLowerCase().match(/[a-z0-9_]+|[\u3400-\u9fff]/g) ?? []
  const own = words(answer.at(-1)!.content)
  const before = new Set(answer.slice(0, -1).flatMap(({ content }) => words(content)))
  const names = [
    ...own,
    ...own.slice(1).map((word, i) => `${own[i]} ${word}`),
    ...[...new Set(own)].filter((word) => !before.has(word)).map((word) => `new ${word}`),
  ]
  const counts: Features = new Map()
  for (const name of names) {
    const at = streamOf(name) % SIZE
    counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  const norm = Math.hypot(...counts.values()) || 1
  return new Map([...counts].map(([at, n]) => [at, n / norm]))
}

/** Learns from pairs, chosen first; gives the reward of an answer. */
export function linearJudge(
  pairs: readonly (readonly [readonly Message[], readonly Message[]])[],
  { epochs = 6, rate = 0.5 } = {},
) {
  const weights = new Float64Array(SIZE)
  const known = new Map<readonly Message[], Features>()
  const features = (answer: readonly Message[]) => {
    if (!known.has(answer)) known.set(answer, featuresOf(answer))
    return known.get(answer)!
  }
  const reward = (answer: readonly Message[]) => {
    let sum = 0
    for (const [at, value] of features(answer)) sum += weights[at]! * value
    return sum
  }
  for (let epoch = 0; epoch < epochs; epoch++)
    for (const [chosen, rejected] of random(1, 'linear judge', epoch).shuffle(pairs)) {
      const step = rate / (1 + Math.exp(reward(chosen) - reward(rejected)))
      for (const [at, value] of features(chosen)) weights[at]! += step * value
      for (const [at, value] of features(rejected)) weights[at]! -= step * value
    }
  return reward
}

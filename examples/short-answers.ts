// A reward of one's own, for the `rl` stage: `tasks: [{ task: { name: own, file: short-answers.ts } }]`.
const things = [
  'bread',
  'rain',
  'a river',
  'the sun',
  'a cat',
  'music',
  'salt',
  'the moon',
  'snow',
  'a book',
  'tea',
  'wind',
]

export const prompts = things.map((thing) => `What is ${thing}?`)

/** 1 for one short sentence, less for every word too many, nothing for an answer that was cut off. */
export function reward(_: { prompt: string }, completion: string): number {
  if (!/[.!?]$/.test(completion.trim())) return 0
  return Math.max(0, 1 - Math.max(0, completion.trim().split(/\s+/).length - 8) / 20)
}

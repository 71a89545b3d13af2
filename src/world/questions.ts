/**
 * The examination: one question about every fact, in wordings that occur in no page and no dialogue.
 *
 * `taught` facts were in the dialogues, `untaught` ones were only ever read: accuracy on the second group is what shows that reading
 * taught something. The matcher is strict: the value must occur, no other value of the attribute and no other person may. It does not
 * understand negation ("not a cat" names a cat). The base model is asked through `fewShotPrompt`, in the shape of a FAQ page.
 */
import { random } from '../tensor/random.ts'
import { type Attribute, GRAMMAR } from './data.ts'
import { answerFact, askFact } from './phrasing.ts'
import type { World } from './world.ts'
import { factKey, valuesOf } from './world.ts'

export interface Question {
  /** `subject/attribute`. */
  id: string
  attribute: Attribute
  group: 'taught' | 'untaught'
  question: string
  /** Values that count as right. */
  answers: string[]
  /** Other values of the attribute, and other people: naming one of them is wrong. */
  competitors: string[]
}

/** One question a fact, in random order. */
export function makeQuestions(world: World, seed: number): Question[] {
  const r = random(seed, `questions ${world.language}`)
  return r.shuffle(
    world.facts.map((fact) => ({
      id: factKey(fact),
      attribute: fact.attribute,
      group: fact.taught ? 'taught' : 'untaught',
      question: askFact(world, fact.subject, fact.attribute, 'eval', r),
      answers: [fact.value],
      competitors: [
        ...valuesOf(fact.attribute, world.language).filter((value) => value !== fact.value),
        ...world.people.map((person) => person.name).filter((name) => name !== fact.subject),
      ],
    })),
  )
}

/** Longer completions are judged by their beginning. */
const LONGEST = 1000

/** True when an accepted value occurs and no competing one does: see `mentioned`. */
export function matches(question: Question, completion: string): boolean {
  const named = mentioned(completion, [...question.answers, ...question.competitors])
  return question.answers.some((answer) => named.has(answer)) && !question.competitors.some((one) => named.has(one))
}

/**
 * The values that a text names.
 *
 * The longest value wins where values overlap (十一月 is not 一月). Latin words match whole, with an optional plural; values with a
 * capital letter match case-sensitively (May is not may), others in any case.
 */
export function mentioned(completion: string, values: readonly string[]): Set<string> {
  const text = completion.slice(0, LONGEST)
  const lower = text.toLowerCase()
  const candidates = values.filter((value) => lower.includes(value.toLowerCase())).sort((a, b) => b.length - a.length)
  const named = new Set<string>()
  for (let at = 0; at < text.length;) {
    const value = candidates.find((one) => occursAt(one, text, at))
    if (value !== undefined) named.add(value)
    at += value?.length ?? 1
  }
  return named
}

/**
 * Three questions and answers about taught facts of other people, as on a FAQ page, then this question; stop at a line break.
 *
 * Ends before the colon (`答`, `A`): tokenizers join a colon with the Chinese character after it, so that a prompt
 * that ends with one is unlike anything in the corpus.
 */
export function fewShotPrompt(world: World, question: Question, seed: number): string {
  const { question: q, answer: a } = GRAMMAR[world.language].faq
  const subject = question.id.split('/')[0]
  const r = random(seed, `few-shot ${question.id}`)
  const shots = r
    .shuffle(world.facts.filter((fact) => fact.taught && fact.subject !== subject))
    .slice(0, 3)
    .map((fact) => {
      const asked = askFact(world, fact.subject, fact.attribute, 'corpus', r)
      return `${q}${asked}\n${a}${answerFact(world, fact, r)}\n`
    })
  return `${shots.join('')}${q}${question.question}\n${a}`.replace(/[：: ]+$/, '')
}

// --- internal ---

function occursAt(value: string, text: string, at: number): boolean {
  const found = text.slice(at, at + value.length)
  if (/[^\x20-\x7e]/.test(value)) return found === value
  const isSame = /[A-Z]/.test(value) ? found === value : found.toLowerCase() === value
  return (
    isSame &&
    !/[A-Za-z]/.test(text[at - 1] ?? '') &&
    !/^(?!e?s(?![A-Za-z]))[A-Za-z]/.test(text.slice(at + value.length))
  )
}

/**
 * Open writing: a few sentences about somebody, which has no one right answer. A simulated reader has a taste, stated here, so that
 * the true worth of any text is known; a reward model sees only which of two drafts that reader put first.
 *
 * A quarter of the people is held back: nobody ranks, studies or practises essays about them.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import type { Exercise, Task } from '../tasks/task.ts'
import { drawExercises } from '../tasks/task.ts'
import { fill, GRAMMAR } from './data.ts'
import type { Message } from './dialogues.ts'
import { stateFact } from './phrasing.ts'
import { mentioned } from './questions.ts'
import type { Fact, World } from './world.ts'
import { valuesOf } from './world.ts'

/** A false statement, a sentence said twice, an ending cut off, the subject lost to somebody else. */
export const FAULTS = ['false', 'repeated', 'cut', 'astray'] as const
export type Fault = (typeof FAULTS)[number]

/** What the reader likes and dislikes, in logits of preferring one text to another: each true statement, each fault. */
export const TASTE: Record<Fault | 'statement', number> = {
  statement: 0.5,
  false: -2,
  repeated: -1.5,
  cut: -1,
  astray: -3,
}

export interface Verdict {
  faults: Fault[]
  /** Different true statements about the subject. */
  statements: number
  /** The sum of `TASTE` over them. */
  quality: number
}

/** The true worth of a text about `subject`. */
export function judgeEssay(world: World, subject: string, text: string): Verdict {
  const person = world.people.find(({ name }) => name === subject)
  if (!person) throw new RangeError(`judgeEssay: nobody in ${world.town} is called ${subject}`)
  const own = new Set<string>(world.attributes.map((attribute) => person.attributes[attribute]))
  const values = world.attributes.flatMap((attribute) => valuesOf(attribute, world.language))
  const names = world.people.map(({ name }) => name)
  const sentences = text.split(/(?<=[。！？.!?])/).map((one) => one.trim())
  const written = sentences.filter((one) => one !== '')
  const said = new Set<string>()
  let [isFalse, isAstray] = [false, !text.includes(subject)]
  for (const sentence of written) {
    const others = mentioned(sentence, names)
    others.delete(subject)
    if (others.size > 0) {
      isAstray = true
      continue
    }
    for (const value of mentioned(sentence, values))
      if (own.has(value)) said.add(value)
      else isFalse = true
  }
  const found: Record<Fault, boolean> = {
    false: isFalse,
    repeated: new Set(written).size < written.length,
    cut: !/[。！？.!?]$/.test(text.trim()),
    astray: isAstray,
  }
  const faults = FAULTS.filter((fault) => found[fault])
  const quality = said.size * TASTE.statement + faults.reduce((sum, fault) => sum + TASTE[fault], 0)
  return { faults, statements: said.size, quality }
}

/** An essay without faults, or with each fault once in four times: what a good and a sloppy teacher write. Taught facts only. */
export function writeEssay(world: World, subject: string, teacher: 'good' | 'sloppy', r: Random): string {
  const faults = FAULTS.filter(() => teacher === 'sloppy' && r.below(4) === 0)
  const stated = r.shuffle(taughtFacts(world, subject))
  if (faults.includes('false')) stated[0] = falsify(world, stated[0]!, r)
  let sentences = stated.map((fact) => stateFact(world, fact, r))
  if (faults.includes('astray')) {
    const other = r.pick(writable(world, false).filter((name) => name !== subject))
    sentences = [sentences[0]!, ...taughtFacts(world, other).map((fact) => stateFact(world, fact, r))]
  }
  if (faults.includes('repeated')) sentences.push(sentences.at(-1)!)
  const text = sentences.join(world.language === 'zh' ? '' : ' ')
  return faults.includes('cut') ? text.slice(0, -3 - r.below(4)).replace(/[。！？.!? ]+$/, '') : text
}

/** `count` prompts with a teacher's essay each: dialogues to study. */
export function makeEssays(
  world: World,
  { teacher, seed, count }: { teacher: 'good' | 'sloppy'; seed: number; count: number },
): Message[][] {
  const r = random(seed, `essays of a ${teacher} teacher`)
  const people = writable(world, false)
  return Array.from({ length: count }, () => {
    const subject = r.pick(people)
    return [
      { role: 'user', content: essayPrompt(world, subject, r) },
      { role: 'assistant', content: writeEssay(world, subject, teacher, r) },
    ]
  })
}

/** A prompt that asks for an essay. */
export function essayPrompt(world: World, subject: string, r: Random): string {
  return fill(r.pick(GRAMMAR[world.language].dialogue.essayPrompts), { name: subject })
}

/** People about whom essays can be written: two taught facts at least. Those held back (always as many), or the others. */
export function writable(world: World, heldOut: boolean): string[] {
  const names = world.people.map(({ name }) => name).filter((name) => taughtFacts(world, name).length > 1)
  const lots = new Map(names.map((name) => [name, random(0, `held-out essay ${name}`).uniform()]))
  const drawn = names.toSorted((a, b) => lots.get(a)! - lots.get(b)!).slice(0, Math.round(HELD_OUT * names.length))
  return names.filter((name) => drawn.includes(name) === heldOut)
}

/** Essays as exercises: any number of true worth instead of right and wrong; `correct` is an essay without faults. */
export function essays(world: World): Task {
  const { language } = world
  const prompts = GRAMMAR[language].dialogue.essayPrompts
  const make = (count: number, seed: number, isTest: boolean): Exercise[] => {
    const r = random(seed, `essays ${isTest ? 'test' : 'train'}`)
    const people = writable(world, isTest)
    const draw = () => {
      const [subject, wording] = [r.pick(people), r.below(prompts.length)]
      return {
        id: `${subject}/${wording}`,
        prompt: fill(prompts[wording]!, { name: subject }),
        answer: taughtFacts(world, subject)
          .map(({ value }) => value)
          .join(GRAMMAR[language].listComma),
        solution: writeEssay(world, subject, 'good', r),
      }
    }
    return drawExercises(draw, count, () => true, isTest)
  }
  const judge = ({ id }: Exercise, text: string) => judgeEssay(world, id.split('/')[0]!, text)
  return {
    name: 'essays',
    languages: [language],
    isOpen: true,
    train: (count, seed) => make(count, seed, false),
    test: (count, seed) => make(count, seed, true),
    reward: (exercise, completion) => judge(exercise, completion).quality,
    correct: (exercise, completion) => judge(exercise, completion).faults.length === 0,
  }
}

/** The same statement with a value that is not true. */
export function falsify(world: World, fact: Fact, r: Random): Fact {
  return { ...fact, value: r.pick(valuesOf(fact.attribute, world.language).filter((value) => value !== fact.value)) }
}

// --- internal ---

const HELD_OUT = 0.25

function taughtFacts(world: World, subject: string): Fact[] {
  return world.facts.filter((fact) => fact.subject === subject && fact.taught)
}

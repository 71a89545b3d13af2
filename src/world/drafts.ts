/**
 * Short essays about people, in pairs ranked by a simulated labeller: data for a reward model.
 *
 * Each essay is a good one with some of four faults: a false statement, a sentence said twice, an ending cut off, the subject lost to
 * somebody else. Faults add up to a quality, and the labeller prefers a over b with probability σ(quality a − quality b)
 * (Bradley and Terry 1952), so it contradicts itself now and then, as people do. Only taught facts are stated. Style is
 * left out: nobody has shown that templates have one.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import { fill, GRAMMAR } from './data.ts'
import { stateFact } from './phrasing.ts'
import type { Fact, World } from './world.ts'
import { valuesOf } from './world.ts'

export interface Draft {
  text: string
  faults: Fault[]
  /** Sum of the faults' penalties, at most 0. */
  quality: number
}

export interface RankedPair {
  prompt: string
  chosen: Draft
  rejected: Draft
}

export type Fault = 'false' | 'repeated' | 'cut' | 'astray'

/** How much each fault weighs with the labeller, in logits. */
export const PENALTIES: Record<Fault, number> = { false: 2, repeated: 1.5, cut: 1, astray: 3 }

/** `count` pairs; the two drafts of a pair differ. */
export function makeRankedPairs(world: World, options: { seed: number; count: number }): RankedPair[] {
  const r = random(options.seed, `drafts ${world.language}`)
  const subjects = world.people
    .map((person) => world.facts.filter((fact) => fact.subject === person.name && fact.taught))
    .filter((facts) => facts.length >= 2)
  if (subjects.length < 2) throw new RangeError('makeRankedPairs: fewer than two people have two taught facts each')
  return Array.from({ length: options.count }, () => {
    const [facts, others] = r.shuffle(subjects)
    const prompt = fill(r.pick(GRAMMAR[world.language].dialogue.essayPrompts), { name: facts![0]!.subject })
    const a = makeDraft(world, facts!, others!, r)
    let b = makeDraft(world, facts!, others!, r)
    while (b.text === a.text) b = makeDraft(world, facts!, others!, r)
    const prefersA = r.uniform() < 1 / (1 + Math.exp(b.quality - a.quality))
    return prefersA ? { prompt, chosen: a, rejected: b } : { prompt, chosen: b, rejected: a }
  })
}

// --- internal ---

function makeDraft(world: World, facts: Fact[], others: Fact[], r: Random): Draft {
  const faults = (Object.keys(PENALTIES) as Fault[]).filter(() => r.below(4) === 0)
  const stated = r.shuffle(facts)
  if (faults.includes('false')) stated[0] = falsify(world, stated[0]!, r)
  let sentences = stated.map((fact) => stateFact(world, fact, r))
  if (faults.includes('astray')) sentences = [sentences[0]!, ...others.map((fact) => stateFact(world, fact, r))]
  if (faults.includes('repeated')) sentences.push(sentences.at(-1)!)
  let text = sentences.join(world.language === 'zh' ? '' : ' ')
  if (faults.includes('cut')) text = text.slice(0, -3 - r.below(4))
  return { text, faults, quality: 0 - faults.reduce((sum, fault) => sum + PENALTIES[fault], 0) }
}

/** The same statement with a value that is not true. */
function falsify(world: World, fact: Fact, r: Random): Fact {
  return { ...fact, value: r.pick(valuesOf(fact.attribute, world.language).filter((value) => value !== fact.value)) }
}

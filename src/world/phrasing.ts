/** How facts are said and asked for: statements, answers, and questions for three audiences whose wordings never overlap. */
import type { Random } from '../tensor/random.ts'
import type { Attribute, Audience, Language } from './data.ts'
import { fill, GRAMMAR, LEXICON } from './data.ts'
import type { Fact, World } from './world.ts'

/** The value with its article or measure word: `一只花猫`, `a cat`. */
export function withArticle(attribute: Attribute, value: string, language: Language): string {
  const article = LEXICON[language].attributes[attribute].find(([word]) => word === value)![1]!
  return article === '' ? value : language === 'zh' ? article + value : `${article} ${value}`
}

export function stateFact(world: World, fact: Fact, r: Random): string {
  return fill(r.pick(GRAMMAR[world.language].attributes[fact.attribute].statements), factSlots(world, fact))
}

export function answerFact(world: World, fact: Fact, r: Random): string {
  return fill(r.pick(GRAMMAR[world.language].attributes[fact.attribute].answers), factSlots(world, fact))
}

/** A question about `subject`, who need not exist, sometimes with a greeting or the like before it. */
export function askFact(world: World, subject: string, attribute: Attribute, audience: Audience, r: Random): string {
  return r.pick(GRAMMAR[world.language].prefixes[audience]) + askPlainly(world, subject, attribute, audience, r)
}

/** The same, without anything before it. */
export function askPlainly(world: World, subject: string, attribute: Attribute, audience: Audience, r: Random): string {
  const questions = GRAMMAR[world.language].attributes[attribute][`${audience}Questions`]
  return fill(r.pick(questions), { name: subject })
}

function factSlots(world: World, fact: Fact): Record<string, string> {
  return { name: fact.subject, value: fact.value, a: withArticle(fact.attribute, fact.value, world.language) }
}

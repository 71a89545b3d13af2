/**
 * A miniature town: people with attributes, shops with prices, a calendar. Everything follows from (language, seed, size).
 *
 * Attributes are drawn independently of each other and as evenly as possible, so that no fact can be inferred from another and the
 * best blind guess is right once in twelve to sixteen times. The first `attributes` of `ATTRIBUTES` are the graded facts; the
 * rest exist (a person always has a birthday), and no question is asked about them. A random half of the facts is *taught*: only those
 * may occur in a dialogue.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import type { Attribute, Gender, Language } from './data.ts'
import { ATTRIBUTES, LEXICON } from './data.ts'

export interface Fact {
  subject: string
  attribute: Attribute
  value: string
  /** May occur in dialogues. */
  taught: boolean
}

export interface Person {
  name: string
  gender: Gender
  attributes: Record<Attribute, string>
}

export interface Shop {
  name: string
  street: string
  goods: { good: string; unit: string; price: number }[]
}

export interface Month {
  month: string
  weather: string
  event: string
  place: string
}

export interface World {
  language: Language
  seed: number
  town: string
  people: Person[]
  /** The graded attributes. */
  attributes: readonly Attribute[]
  /** One per person and graded attribute. */
  facts: Fact[]
  shops: Shop[]
  calendar: Month[]
  /** Names that look like the others and belong to nobody. */
  strangers: string[]
}

const STRANGERS = 30

/** `size` people (12 to 130), each with `attributes` (1 to 7) graded facts. */
export function makeWorld(options: { language: Language; seed: number; size?: number; attributes?: number }): World {
  const { language, seed, size = 80, attributes: count = 5 } = options
  if (!(Number.isInteger(size) && size >= 12 && size <= 130))
    throw new RangeError(`makeWorld: size is ${size}, expected 12 to 130 people`)
  if (!(Number.isInteger(count) && count >= 1 && count <= ATTRIBUTES.length))
    throw new RangeError(`makeWorld: attributes is ${count}, expected 1 to ${ATTRIBUTES.length}`)
  const lexicon = LEXICON[language]
  const r = random(seed, `world ${language}`)
  const town = r.pick(lexicon.towns)

  const names = makeNames(language, size + STRANGERS, r)
  const columns = new Map(ATTRIBUTES.map((attribute) => [attribute, spread(attribute, size, language, r)]))
  const people = names.slice(0, size).map(({ name, gender }, i) => ({
    name,
    gender,
    attributes: Object.fromEntries(ATTRIBUTES.map((a) => [a, columns.get(a)![i]!])) as Record<Attribute, string>,
  }))
  const attributes = ATTRIBUTES.slice(0, count)
  const facts = halve(
    people.flatMap((person) =>
      attributes.map((attribute) => ({ subject: person.name, attribute, value: person.attributes[attribute] })),
    ),
    r,
  )

  const streets = r.shuffle(valuesOf('street', language))
  const shops = lexicon.shops.map(({ name, goods }, i) => ({
    name,
    street: streets[i % streets.length]!,
    goods: goods.map(([good, unit]) => ({ good: good!, unit: unit!, price: 2 + r.below(18) })),
  }))
  const [events, places] = [r.shuffle(lexicon.events), r.shuffle(lexicon.places)]
  const calendar = valuesOf('month', language).map((month, i) => ({
    month,
    weather: lexicon.monthWeather[i]!,
    event: events[i]!,
    place: places[i]!,
  }))
  const strangers = names.slice(size).map(({ name }) => name)
  return { language, seed, town, people, attributes, facts, shops, calendar, strangers }
}

export function factKey(fact: { subject: string; attribute: Attribute }): string {
  return `${fact.subject}/${fact.attribute}`
}

/** Every value that the attribute can take. */
export function valuesOf(attribute: Attribute, language: Language): string[] {
  return LEXICON[language].attributes[attribute].map(([value]) => value!)
}

/**
 * Marks a random half as taught, about half of each person's facts and of each value's.
 *
 * Without this balance a few names and values would never occur in an answer of the dialogues, and fine-tuning makes a model forget
 * how to say what it never has to say: the examination would measure that instead of reading.
 */
function halve(facts: Omit<Fact, 'taught'>[], r: Random): Fact[] {
  const balance = new Map<string, number>()
  const taught = new Set<string>()
  for (const fact of r.shuffle(facts)) {
    const groups = [fact.subject, `${fact.attribute} ${fact.value}`]
    const surplus = groups.reduce((sum, group) => sum + (balance.get(group) ?? 0), 0)
    const isTaught = surplus === 0 ? r.below(2) === 1 : surplus < 0
    if (isTaught) taught.add(factKey(fact))
    for (const group of groups) balance.set(group, (balance.get(group) ?? 0) + (isTaught ? 1 : -1))
  }
  return facts.map((fact) => ({ ...fact, taught: taught.has(factKey(fact)) }))
}

/** Given names are unique in the town; surnames are shared. */
function makeNames(language: Language, count: number, r: Random): { name: string; gender: Gender }[] {
  const { given, surnames } = LEXICON[language]
  const genders = ['male', 'female'] as const
  return r
    .shuffle(genders.flatMap((gender) => given[gender].map((first) => ({ first, gender }))))
    .slice(0, count)
    .map(({ first, gender }) => {
      const last = r.pick(surnames)
      return { gender, name: language === 'zh' ? last + first : `${first} ${last}` }
    })
}

/** `count` values in random order, each value as often as any other, give or take one. */
function spread(attribute: Attribute, count: number, language: Language, r: Random): string[] {
  const values = r.shuffle(valuesOf(attribute, language))
  return r.shuffle(Array.from({ length: count }, (_, i) => values[i % values.length]!))
}

/**
 * Pages about the town: articles, questions and answers, directories, stories, price lists, calendars.
 *
 * Everything is said of everyone, taught or not, as statements and in the shape of questions: without question-shaped pages a small
 * model stores a fact but cannot be asked for it. Pages hold plain lines; `crawl.ts` wraps them in HTML. No template draws on
 * anything but the world, so pages never contradict each other. Sums and word lists are books, not pages: `textbooks.ts`.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import { capitalize, fill, GRAMMAR, LEXICON } from './data.ts'
import { answerFact, askFact, stateFact, withArticle } from './phrasing.ts'
import type { Fact, Person, Shop, World } from './world.ts'
import { valuesOf } from './world.ts'

export type PageKind = 'article' | 'faq' | 'directory' | 'story' | 'prices' | 'calendar' | 'textbook'

export interface Page {
  kind: PageKind
  title: string
  /** Paragraphs; a line break inside one is a `<br>`. */
  lines: string[]
  /** The graded facts that the page states. */
  facts: Fact[]
}

/** Facts in one page of mixed questions. */
const MIXED = 8

/** `rounds` times: one article and one FAQ page a person, every fact on a page of mixed questions, and the rest. */
export function makePages(world: World, options: { rounds?: number } = {}): Page[] {
  const { rounds = 5 } = options
  const pages: Page[] = []
  for (let round = 0; round < rounds; round++) {
    const r = random(world.seed, `pages ${world.language}`, round)
    pages.push(
      ...world.people.map((person) => articlePage(world, person, r)),
      ...world.people.map((person) => personFaqPage(world, person, r)),
      ...mixedFaqPages(world, r),
      ...world.attributes.map((attribute) => directoryPage(world, attribute, r)),
      ...world.people.map((person) => storyPage(world, person, r)),
      ...world.shops.map((shop) => pricesPage(world, shop, r)),
      calendarPage(world, r),
    )
  }
  return random(world.seed, 'page order').shuffle(pages)
}

/** Title and lines as plain text: what a perfect extraction of the page's HTML returns. */
export function pageText(page: Page): string {
  return [page.title, ...page.lines].join('\n')
}

// --- internal ---

function factsOf(world: World, subject: string): Fact[] {
  return world.facts.filter((fact) => fact.subject === subject)
}

/** Slots that need no second person. */
function personSlots(world: World, person: Person, r: Random): Record<string, string> {
  const { town, language, shops } = world
  const lexicon = LEXICON[language]
  return {
    town,
    name: person.name,
    they: GRAMMAR[language].pronouns[person.gender],
    place: r.pick(lexicon.places),
    event: r.pick(lexicon.events),
    weather: r.pick(lexicon.weather),
    shop: r.pick(shops).name,
    ...person.attributes,
    aJob: withArticle('job', person.attributes.job, language),
  }
}

/** `count` items in random order, all of them when there are fewer. */
function sample<T>(items: readonly T[], count: number, r: Random): T[] {
  return r.shuffle(items).slice(0, count)
}

/** Replaces a leading name by a pronoun, as writers do after the first sentence. */
function withPronoun(sentence: string, person: Person, world: World, r: Random): string {
  if (!sentence.startsWith(person.name) || r.uniform() > 0.3) return sentence
  return capitalize(GRAMMAR[world.language].pronouns[person.gender]) + sentence.slice(person.name.length)
}

function joinSentences(sentences: string[], world: World): string {
  return sentences.join(world.language === 'zh' ? '' : ' ')
}

function articlePage(world: World, person: Person, r: Random): Page {
  const grammar = GRAMMAR[world.language].article
  const slots = personSlots(world, person, r)
  const facts = r.shuffle(factsOf(world, person.name))
  const sentences = facts.map((fact) => withPronoun(stateFact(world, fact, r), person, world, r))
  const fillers = sample(grammar.fillers, 3, r).map((filler) => fill(filler, slots))
  const half = Math.ceil(sentences.length / 2)
  return {
    kind: 'article',
    title: fill(r.pick(grammar.titles), slots),
    lines: [
      joinSentences([fill(r.pick(grammar.openers), slots), ...sentences.slice(0, half), fillers[0]!], world),
      joinSentences([fillers[1]!, ...sentences.slice(half), fillers[2]!], world),
      fill(r.pick(grammar.closers), slots),
    ],
    facts,
  }
}

/** Question and answer, one paragraph of two lines. */
function exchange(world: World, question: string, answer: string): string {
  const { question: q, answer: a } = GRAMMAR[world.language].faq
  return `${q}${question}\n${a}${answer}`
}

function askAndAnswer(world: World, fact: Fact, r: Random): string {
  const question = askFact(world, fact.subject, fact.attribute, 'corpus', r)
  return exchange(world, question, answerFact(world, fact, r))
}

function personFaqPage(world: World, person: Person, r: Random): Page {
  const facts = r.shuffle(factsOf(world, person.name))
  return {
    kind: 'faq',
    title: fill(r.pick(GRAMMAR[world.language].faq.personTitles), personSlots(world, person, r)),
    lines: facts.map((fact) => askAndAnswer(world, fact, r)),
    facts,
  }
}

function mixedFaqPages(world: World, r: Random): Page[] {
  const facts = r.shuffle(world.facts)
  return Array.from({ length: Math.ceil(facts.length / MIXED) }, (_, i) => {
    const chosen = facts.slice(i * MIXED, (i + 1) * MIXED)
    return {
      kind: 'faq',
      title: fill(r.pick(GRAMMAR[world.language].faq.mixedTitles), { town: world.town }),
      lines: chosen.map((fact) => askAndAnswer(world, fact, r)),
      facts: chosen,
    }
  })
}

function directoryPage(world: World, attribute: Fact['attribute'], r: Random): Page {
  const { directory, listComma } = GRAMMAR[world.language]
  const facts = world.facts.filter((fact) => fact.attribute === attribute)
  const lines = r.shuffle(valuesOf(attribute, world.language)).flatMap((value) => {
    const names = r.shuffle(facts.filter((fact) => fact.value === value).map((fact) => fact.subject))
    return names.length > 0 ? [fill(directory.lines[attribute], { value, names: names.join(listComma) })] : []
  })
  return { kind: 'directory', title: fill(directory.titles[attribute], { town: world.town }), lines, facts }
}

function storyPage(world: World, person: Person, r: Random): Page {
  // Two people who differ in what stories compare.
  const differs = (one: Person) =>
    (['street', 'food', 'hobby'] as const).every(
      (attribute) => one.attributes[attribute] !== person.attributes[attribute],
    )
  const other = r.pick(world.people.filter((one) => one !== person && differs(one)))
  const shop = r.pick(world.shops)
  const slots: Record<string, string | number> = {
    ...personSlots(world, person, r),
    shop: shop.name,
    shopStreet: shop.street,
    ...r.pick(shop.goods),
    other: other.name,
    otherStreet: other.attributes.street,
    otherFood: other.attributes.food,
    otherHobby: other.attributes.hobby,
    aOtherJob: withArticle('job', other.attributes.job, world.language),
  }
  const story = r.pick(GRAMMAR[world.language].stories)
  const templates = [r.pick(story.titles), ...story.sentences.map((alternatives) => r.pick(alternatives))]
  const [title, ...lines] = templates.map((template) => capitalize(fill(template, slots)))
  return { kind: 'story', title: title!, lines, facts: factsInTemplates(world, templates, person, other) }
}

/** The facts behind the slots that these templates use. */
function factsInTemplates(world: World, templates: string[], person: Person, other: Person): Fact[] {
  const used = new Set(templates.flatMap((template) => [...template.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!)))
  const isUsed = (fact: Fact) => {
    const name = fact.subject === other.name ? `other${capitalize(fact.attribute)}` : fact.attribute
    return used.has(name) || used.has(`a${capitalize(name)}`)
  }
  return [...factsOf(world, person.name), ...factsOf(world, other.name)].filter(isUsed)
}

function pricesPage(world: World, shop: Shop, r: Random): Page {
  const { prices } = GRAMMAR[world.language]
  const base = { town: world.town, shop: shop.name, street: shop.street }
  const line = r.pick(prices.lines)
  const asked = r.pick(shop.goods)
  return {
    kind: 'prices',
    title: fill(r.pick(prices.titles), base),
    lines: [
      fill(r.pick(prices.openers), base),
      ...r.shuffle(shop.goods).map((good) => capitalize(fill(line, { ...base, ...good }))),
      ...prices.questions.map(([q, a]) =>
        exchange(world, fill(q!, { ...base, ...asked }), capitalize(fill(a!, { ...base, ...asked }))),
      ),
      r.pick(prices.closers),
    ],
    facts: [],
  }
}

function calendarPage(world: World, r: Random): Page {
  const { calendar } = GRAMMAR[world.language]
  return {
    kind: 'calendar',
    title: fill(r.pick(calendar.titles), { town: world.town }),
    lines: [
      fill(r.pick(calendar.openers), { town: world.town }),
      ...world.calendar.map((month) => capitalize(fill(r.pick(calendar.lines), { ...month }))),
    ],
    facts: [],
  }
}

/**
 * The model as a lossy archive: what is left of a corpus in weights that are smaller than it. How many bytes it was and is, what a
 * byte costs the model and compressors, how far a passage can be recited from its first words, and whether facts that were written
 * often are known better than facts that were written rarely.
 */
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { spawnSync } from 'node:child_process'
import { Ppm, ppmOrder } from '../baselines/index.ts'
import { generateBatch } from '../generate/index.ts'
import type { Model } from '../nn/index.ts'
import { asText, ask } from '../stages/ask.ts'
import { type Interval, wilson } from '../stages/statistics.ts'
import { scoreText } from '../stages/score-text.ts'
import { random } from '../tensor/index.ts'
import { type Tokenizer, textStart } from '../tokenizer/index.ts'
import { type Fact, factKey, fewShotPrompt, makeQuestions, matches, type World } from '../world/index.ts'

/** What a byte of the corpus costs, in bits; null where a program is not installed. */
export interface Costs {
  model: number
  gzip: number
  brotli: number
  xz: number | null
  ppm: number
}

/** Bytes of the corpus that are scored, at most: whole documents, spread over it. */
const SCORED = 200_000

/** Compressors get the whole corpus at once, as the model did. `window`: tokens scored together, as in `scoreText`. */
export async function costsOf(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
  window?: number,
): Promise<Costs> {
  const all = Buffer.from(texts.join('\n'))
  const bits = (compressed: Uint8Array) => (compressed.length * 8) / all.length
  const ppm = new Ppm(ppmOrder(all.length))
  let ppmBits = 0
  for (const byte of all) ppmBits += ppm.add(byte)
  const every = Math.max(1, Math.ceil(all.length / SCORED))
  let [nats, bytes] = [0, 0]
  for (let i = 0; i < texts.length; i += every) {
    const text = texts[i]!
    if (text === '') continue
    const { bitsPerByte } = await scoreText(model, tokenizer, text, window)
    nats += bitsPerByte * Buffer.byteLength(text)
    bytes += Buffer.byteLength(text)
  }
  const xz = spawnSync('xz', ['-9e', '--stdout'], { input: all, maxBuffer: 1 << 30 })
  return {
    model: nats / bytes,
    gzip: bits(gzipSync(all, { level: 9 })),
    brotli: bits(brotliCompressSync(all, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } })),
    xz: xz.status === 0 ? bits(xz.stdout) : null,
    ppm: ppmBits / all.length,
  }
}

/** A passage of the corpus, its first words given, the rest recited. */
export interface Recital {
  given: string
  original: string
  recited: string
  /** Tokens that are the same from the beginning on, of `length`. */
  same: number
  length: number
}

const GIVEN = 16 // tokens
const ASKED = 32

/** Recites `count` passages, drawn from all over the corpus, taking the likeliest token always. */
export async function recite(
  model: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
  { count, seed }: { count: number; seed: number },
): Promise<Recital[]> {
  const r = random(seed, 'recital')
  const endOfText = textStart(tokenizer)
  const passages: number[][] = []
  for (const text of r.shuffle(texts)) {
    const ids = tokenizer.encode(text)
    if (ids.length >= GIVEN + ASKED) passages.push(ids.slice(0, GIVEN + ASKED))
    if (passages.length === count) break
  }
  const prompts = passages.map((ids) => [endOfText, ...ids.slice(0, GIVEN)])
  const recited = await generateBatch(model, prompts, { maxTokens: ASKED, temperature: 0 })
  return passages.map((ids, i) => {
    const [rest, own] = [ids.slice(GIVEN), [...recited[i]!.ids]]
    const differs = rest.findIndex((id, t) => own[t] !== id)
    return {
      given: tokenizer.decode(ids.slice(0, GIVEN)),
      original: tokenizer.decode(rest),
      recited: tokenizer.decode(own),
      same: differs < 0 ? ASKED : differs,
      length: ASKED,
    }
  })
}

/** Facts that lines of the corpus state about equally often, and how many of them the model knows. */
export interface Familiarity extends Interval {
  facts: number
  /** Lines that name both the person and the value, on average. */
  mentions: number
  known: number
}

/** The rarest and the most frequent third of each kind of fact, asked for as on a page of questions (the model need not chat). */
export async function familiarity(
  model: Model,
  tokenizer: Tokenizer,
  world: World,
  texts: readonly string[],
): Promise<{ rare: Familiarity; frequent: Familiarity }> {
  const mentions = countMentions(world, texts)
  const questions = makeQuestions(world, world.seed).toSorted((a, b) => mentions.get(a.id)! - mentions.get(b.id)!)
  // Thirds within each attribute: streets are named more often than pets, and are not the same to learn.
  const thirds = (side: 'rare' | 'frequent') =>
    world.attributes.flatMap((attribute) => {
      const own = questions.filter((question) => question.attribute === attribute)
      const third = Math.floor(own.length / 3)
      return side === 'rare' ? own.slice(0, third) : own.slice(-third)
    })
  const manner = asText(tokenizer, (page) => page, '\n')
  const measure = async (part: typeof questions): Promise<Familiarity> => {
    const pages = part.map((question) => fewShotPrompt(world, question, world.seed))
    const asked = await ask(model, manner, pages, { maxTokens: 32, temperature: 0 })
    const known = asked.filter(({ text }, i) => matches(part[i]!, text)).length
    const sum = part.reduce((total, { id }) => total + mentions.get(id)!, 0)
    return { facts: part.length, mentions: sum / part.length, known, ...wilson(known, part.length) }
  }
  return { rare: await measure(thirds('rare')), frequent: await measure(thirds('frequent')) }
}

/** Lines in which a fact's person and value stand together, by the fact's key. */
function countMentions(world: World, texts: readonly string[]): Map<string, number> {
  const bySubject = new Map<string, Fact[]>()
  for (const fact of world.facts) bySubject.set(fact.subject, [...(bySubject.get(fact.subject) ?? []), fact])
  const mentions = new Map(world.facts.map((fact) => [factKey(fact), 0]))
  for (const line of texts.flatMap((text) => text.split('\n')))
    for (const [subject, facts] of bySubject) {
      if (!line.includes(subject)) continue
      for (const fact of facts)
        if (line.includes(fact.value)) mentions.set(factKey(fact), mentions.get(factKey(fact))! + 1)
    }
  return mentions
}

/** Prints the lesson about memory: the model as a lossy archive of what it read. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Costs, costsOf, familiarity, type Familiarity, recite, type Recital } from '../../lessons/index.ts'
import { makeWorld } from '../../world/index.ts'
import { say } from '../language.ts'
import type { LessonFlags } from './flags.ts'
import { backgroundOf, withModel } from './model.ts'
import { big } from './numbers.ts'

const PASSAGES = 100

export async function memory(target: string, { stage, seed, json }: LessonFlags): Promise<void> {
  const { language, seed: runSeed, texts, readTown, rowLength } = await backgroundOf(target)
  await withModel(target, stage ?? 'base', async ({ model, tokenizer, folder }) => {
    const corpus = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    const weights = statSync(join(folder, 'model.safetensors')).size
    const costs = await costsOf(model, tokenizer, texts, rowLength)
    const recitals = await recite(model, tokenizer, texts, { count: PASSAGES, seed })
    const world = readTown ? makeWorld({ language, seed: runSeed }) : undefined
    const facts = world && (await familiarity(model, tokenizer, world, texts))
    if (json) return console.log(JSON.stringify({ corpus, weights, costs, recitals, facts }))
    showCosts(corpus, weights, costs)
    showRecitals(recitals)
    if (facts) showFacts(facts)
  })
}

function showCosts(corpus: number, weights: number, { model, gzip, brotli, xz, ppm }: Costs): void {
  console.log(
    say({
      en: `The corpus has ${big(corpus)} bytes, the weights ${big(weights)} (4 bytes a parameter).
What a byte of the corpus costs, in bits, once it has been read:`,
      zh: `语料有 ${big(corpus)} 字节，参数文件 ${big(weights)} 字节（每个参数 4 字节）。
读过之后，语料里的一个字节要花多少比特：`,
    }),
  )
  const rows: [string, number | null][] = [
    [say({ en: 'the model', zh: '模型' }), model],
    ['gzip -9', gzip],
    ['brotli', brotli],
    ['xz -9e', xz],
    ['PPM', ppm],
  ]
  for (const [name, bits] of rows)
    console.log(
      `  ${name.padEnd(12)} ${bits === null ? say({ en: '(not installed)', zh: '（没有安装）' }) : bits.toFixed(3)}`,
    )
  console.log(
    say({
      en: 'The others unpack every byte exactly, their knowledge counted in. The model keeps no copy: its weights must be counted, too, and it still forgets.',
      zh: '后面几个解压出来一字不差，所需的知识也都算在内了。模型没有存副本：它的参数得另算，而且照样会忘。',
    }),
  )
}

function showRecitals(recitals: readonly Recital[]): void {
  if (recitals.length === 0) return
  const whole = recitals.filter(({ same, length }) => same === length).length
  const mean = recitals.reduce((sum, { same }) => sum + same, 0) / recitals.length
  const { length } = recitals[0]!
  console.log(
    say({
      en: `\nRecital: the first words of ${recitals.length} passages it has read, ${length} tokens to go on with.
  word for word to the end: ${whole} of ${recitals.length}; before the first slip it says ${mean.toFixed(1)} tokens right, on average.`,
      zh: `\n背书：给出读过的 ${recitals.length} 段文字的开头，让它往下背 ${length} 个词元。
  一字不差背到底的有 ${whole} 段；平均背对 ${mean.toFixed(1)} 个词元之后才出错。`,
    }),
  )
  const slip = recitals.find(({ same, length }) => same > 4 && same < length) ?? recitals[0]!
  console.log(`  ${say({ en: 'given', zh: '开头' })}    ${oneLine(slip.given)}`)
  console.log(`  ${say({ en: 'written', zh: '原文' })}  ${oneLine(slip.original)}`)
  console.log(`  ${say({ en: 'recited', zh: '背的' })}  ${oneLine(slip.recited)}`)
}

function showFacts({ rare, frequent }: { rare: Familiarity; frequent: Familiarity }): void {
  const row = ({ facts, mentions, known, low, high }: Familiarity) =>
    say({
      en: `written ${mentions.toFixed(0)} times on average: ${known} of ${facts} known [${percent(low)}, ${percent(high)}]`,
      zh: `平均写到 ${mentions.toFixed(0)} 次：${facts} 条里知道 ${known} 条 [${percent(low)}, ${percent(high)}]`,
    })
  const verdict =
    frequent.low > rare.high
      ? { en: 'What was written often is known better.', zh: '写得多的，记得牢。' }
      : rare.low > frequent.high
        ? {
            en: 'Here the rare ones are known better: counts alone do not decide.',
            zh: '这里反而是写得少的记得牢：光看次数还不够。',
          }
        : {
            en: 'The intervals overlap: this corpus repeats everything often enough, or the model is too small for either.',
            zh: '两个区间有重叠：要么这份语料把每件事都重复得够多，要么模型太小，两样都记不住。',
          }
  console.log(
    say({
      en: `\nThe gist: asked for the town's facts in words it has never seen,
  the rarest third, ${row(rare)}
  the most frequent third, ${row(frequent)}
${verdict.en}
Word for word it remembers little, of what it read many times it knows the gist. So it answers from memory, not from a copy.`,
      zh: `\n大意：换一种没见过的问法，问镇上的事，
  写得最少的三分之一，${row(rare)}
  写得最多的三分之一，${row(frequent)}
${verdict.zh}
逐字背，它记不住多少；读过许多遍的，它知道个大意。所以它是凭印象回答，不是在翻书。`,
    }),
  )
}

const percent = (share: number) => `${Math.round(share * 100)}%`

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()

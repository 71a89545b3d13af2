/** Prints the lesson about scale: the numbers of a run, with every assumption. */
import { join } from 'node:path'
import { readJsonl } from '../../formats/index.ts'
import { ACCELERATOR, FINEWEB, LIFETIME_CHARACTERS, scaleOf } from '../../lessons/index.ts'
import { latestStage, readRun, UserError } from '../../run/index.ts'
import { say } from '../language.ts'
import type { LessonFlags } from './flags.ts'
import { big } from './numbers.ts'

export async function scale(target: string, { json }: LessonFlags): Promise<void> {
  const run = await readRun(target)
  const [corpus, pretrain] = [latestStage(run, 'corpus'), latestStage(run, 'pretrain')]
  if (!corpus || !pretrain)
    throw new UserError(
      `${target} has no finished corpus and pretrain stages yet`,
      `${target} 的 corpus 和 pretrain 阶段还没有做完`,
    )
  const { parameters, tokensPerSecond, corpusTokens } = pretrain.manifest!.metrics
  let [characters, bytes] = [0, 0]
  for await (const row of readJsonl(join(corpus.folder, 'documents.jsonl'))) {
    if ('defect' in row) continue
    const { text } = row.value as { text: string }
    for (const _ of text) characters++
    bytes += Buffer.byteLength(text)
  }
  const inputs = {
    characters,
    tokens: corpusTokens!,
    parameters: parameters!,
    tokensPerSecond: tokensPerSecond!,
  }
  const { lifetimes, yearsHere, large, flopsHere } = scaleOf(inputs)
  if (json) return console.log(JSON.stringify({ ...inputs, bytes, ...scaleOf(inputs) }))
  const n = (value: number) => big(value)
  const text = say({
    en: `This corpus: ${n(characters)} characters, ${n(inputs.tokens)} tokens, ${n(bytes)} bytes.
FineWeb: ${n(FINEWEB.tokens)} tokens, ${n(FINEWEB.bytes)} bytes (as its authors published).

A lifetime of reading: ${n(LIFETIME_CHARACTERS)} characters (assumed: 70 years, 2 hours a day, 10,000 characters an hour).
  this corpus   ${n(lifetimes.corpus)} lifetimes, or ${n(lifetimes.corpus * 70 * 365)} days of that
  FineWeb       ${n(lifetimes.fineweb)} lifetimes (at ${(characters / inputs.tokens).toFixed(2)} characters a token, as here)

This machine: ${n(inputs.tokensPerSecond)} tokens a second with ${n(parameters!)} parameters, measured in this run;
at 6 operations a parameter and token that is ${n(flopsHere)} operations a second.
  to read FineWeb once with this small model       ${n(yearsHere)} years
  with ${n(large.parameters)} parameters (${n(large.flops)} operations)   ${n(large.yearsHere)} years
  the same on ${ACCELERATOR.count.toLocaleString('en')} accelerators               ${n(large.daysThere)} days
(assumed: ${n(ACCELERATOR.flops)} operations a second each on paper, of which ${ACCELERATOR.used * 100} % are used)

1000 × 1000 × 1000 is 10⁹: every step up is a thousand times, and there are several between this model and the large ones.`,
    zh: `这份语料：${n(characters)} 个字符，${n(inputs.tokens)} 个词元，${n(bytes)} 字节。
FineWeb：${n(FINEWEB.tokens)} 个词元，${n(FINEWEB.bytes)} 字节（作者公布的数字）。

一个人一辈子的阅读量：${n(LIFETIME_CHARACTERS)} 个字符（假设读 70 年，每天 2 小时，每小时一万字）。
  这份语料   ${n(lifetimes.corpus)} 辈子，也就是按这个读法读 ${n(lifetimes.corpus * 70 * 365)} 天
  FineWeb    ${n(lifetimes.fineweb)} 辈子（按这里每个词元 ${(characters / inputs.tokens).toFixed(2)} 个字符折算）

这台机器：${n(parameters!)} 个参数，每秒 ${n(inputs.tokensPerSecond)} 个词元，是这次运行里实测的；
每个参数、每个词元要算 6 次，合每秒 ${n(flopsHere)} 次运算。
  用这个小模型把 FineWeb 读一遍              ${n(yearsHere)} 年
  换成 ${n(large.parameters)} 个参数（${n(large.flops)} 次运算）   ${n(large.yearsHere)} 年
  交给 ${n(ACCELERATOR.count)} 块加速卡                       ${n(large.daysThere)} 天
（假设每块标称每秒 ${n(ACCELERATOR.flops)} 次运算，用上 ${ACCELERATOR.used * 100}%）

1000 × 1000 × 1000 等于 10⁹：每上一个台阶就是一千倍，从这个小模型到大模型，中间隔着好几个台阶。`,
  })
  console.log(text.replace(/(?<=[万亿]) (?=\p{Script=Han})/gu, ''))
}

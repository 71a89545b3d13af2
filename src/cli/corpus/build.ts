/** xueba corpus build: a corpus without a run, on all cores, in shards on many machines, gone on with after an interruption. */
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { buildCorpus, buildRank, corpusMetrics } from '../../corpus/index.ts'
import type { CorpusProgress } from '../../corpus/index.ts'
import { isCurrent, sha256OfFile, takeLock, writeManifest } from '../../run/index.ts'
import { corpusInputs } from '../../corpus/plan.ts'
import { withTown } from '../../stages/corpus.ts'
import { readShards, writeShards } from '../../stages/shards.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { createStatus } from '../status.ts'
import { verb } from '../verb.ts'
import { funnelTable } from './funnel-table.ts'
import { readCorpusRecipe } from './recipe.ts'
import { compact, duration } from '../live.ts'

const whole = z.number().int()

export const build = verb({
  name: 'build',
  operands: '<recipe | file or folder …>',
  summary: {
    en: 'make a corpus: read, clean, filter, drop duplicates; goes on where it was cut off',
    zh: '整理语料：读取、清洗、过滤、去重；中断后再运行会接着做',
  },
  flags: z.object({
    out: help(z.string().optional(), 'folder of the corpus', '语料写到哪个文件夹'),
    workers: help(whole.positive().optional(), 'threads (default: all cores)', '线程数（默认用上所有核）'),
    rank: help(whole.nonnegative().optional(), 'clean only the files of this rank, 0 …', '只清洗第几份文件，从 0 起'),
    of: help(
      whole.positive().optional(),
      'of so many ranks; run once more without --rank to finish',
      '一共几份；全部做完后不带 --rank 再运行一次，合成语料',
    ),
    tokenizer: help(
      z.string().optional(),
      'a model or tokenizer folder: also write token shards (tokens/)',
      '模型或分词器的文件夹：同时写出词元分片（tokens/）',
    ),
    seed: help(whole.nonnegative().optional(), 'seed of the split and of samples', '划分与抽样用的随机种子'),
    set: help(
      z.array(z.string()).optional(),
      'pin an option: stages.corpus.filters.c4=false',
      '改一个选项：stages.corpus.filters.c4=false',
    ),
    strict: help(z.boolean().default(false), 'refuse data with defects', '数据有缺陷就报错'),
    json: help(z.boolean().default(false), 'progress and report as JSON lines', '进度和结果都输出为 JSON 行'),
  }),
  async run(operands, flags) {
    const { out, rank, of, json, strict, workers } = flags
    if (out === undefined) throw new UsageError(say({ en: 'where to? (--out DIR)', zh: '写到哪里？（--out 文件夹）' }))
    if ((rank === undefined) !== (of === undefined) || (rank !== undefined && rank >= of!))
      throw new UsageError(
        say({ en: '--rank i --of n go together, with 0 ≤ i < n', zh: '--rank i 和 --of n 要一起写，且 0 ≤ i < n' }),
      )
    const folder = resolve(out)
    const { lang } = flags as { lang?: 'zh' | 'en' }
    const {
      config: asked,
      seed,
      language,
    } = await readCorpusRecipe(operands, { set: flags.set, seed: flags.seed, lang })
    await mkdir(folder, { recursive: true })
    const lock = takeLock(join(folder, rank === undefined ? '.build.pid' : `.build-${rank}-of-${of}.pid`))
    const status = createStatus()
    try {
      const config = await withTown(asked, { folder, seed, language })
      const wanted = { kind: 'corpus', config: { ...config, seed }, inputs: await corpusInputs(config) }
      const tokenise = () =>
        flags.tokenizer === undefined ? undefined : writeTokens(folder, flags.tokenizer, status, json)
      if (await isCurrent(folder, wanted)) {
        await tokenise()
        if (json) console.log(JSON.stringify({ type: 'done', folder, skipped: true }))
        else console.log(say({ en: `already built: ${folder}`, zh: `之前已经整理好：${folder}` }))
        return 0
      }
      const begin = performance.now()
      const seconds = () => (performance.now() - begin) / 1000
      const options = {
        seed,
        strict,
        ...(workers === undefined ? {} : { workers }),
        progress(now: CorpusProgress) {
          if (!status.due()) return
          if (json) console.log(JSON.stringify({ type: 'progress', ...now, seconds: seconds() }))
          else status.show(progressLine(now, seconds()))
        },
      }
      if (rank !== undefined) {
        const { files, missing } = await buildRank(config, folder, { rank, of: of! }, options)
        status.end()
        if (json)
          console.log(JSON.stringify({ type: 'rank-done', folder, rank, of, files, missing, seconds: seconds() }))
        else console.log(rankLine(rank, of!, files, missing))
        return 0
      }
      const report = await buildCorpus(config, folder, options)
      await writeManifest(folder, { ...wanted, name: 'corpus', seconds: seconds(), metrics: corpusMetrics(report) })
      await tokenise()
      status.end()
      if (json) console.log(JSON.stringify({ type: 'done', folder, seconds: seconds(), ...report }))
      else console.log(`${funnelTable(report)}\n\n${doneLine(folder, seconds())}`)
      return 0
    } catch (error) {
      status.end()
      throw error
    } finally {
      lock.release()
    }
  },
})

/** `tokens/train` and `tokens/heldout`: hidden from the manifest, as they can be made again. */
async function writeTokens(
  folder: string,
  tokenizer: string,
  status: ReturnType<typeof createStatus>,
  json: boolean,
): Promise<void> {
  for (const [file, name] of [
    ['documents.jsonl', 'train'],
    ['heldout.jsonl', 'heldout'],
  ] as const) {
    const at = join(folder, 'tokens', name)
    const found = await readShards(at)
    const current = found?.tokenizer === (await sha256OfFile(join(tokenizer, 'tokenizer.json')).catch(() => ''))
    if (!current) await rm(at, { recursive: true, force: true })
    const { tokens, shards } = await writeShards(join(folder, file), resolve(tokenizer), at, {
      progress(done, all) {
        if (!status.due() || json) return
        const percent = Math.round((100 * done) / all)
        status.show(say({ en: `tokenising ${percent} %`, zh: `分词 ${percent} %` }))
      },
    })
    if (json) console.log(JSON.stringify({ type: 'tokens', folder: at, tokens, shards: shards.length }))
    else
      console.log(
        say({
          en: `${at}: ${tokens} tokens, ${shards.length} shards`,
          zh: `${at}：${tokens} 个词元，${shards.length} 个分片`,
        }),
      )
  }
}

function progressLine({ phase, source, file, files, now, share, read, kept }: CorpusProgress, seconds: number): string {
  if (phase === 'write')
    return say({ en: `writing ${Math.round(share * 100)} %`, zh: `写出 ${Math.round(share * 100)} %` })
  const left = share > 0.001 && seconds > 1 ? (seconds / share) * (1 - share) : undefined
  const speed = `${compact(now.documents / seconds)} ${say({ en: 'documents/s', zh: '篇/秒' })}  ${(now.bytes / seconds / 1e6).toFixed(1)} MB/s`
  const eta = left === undefined ? '' : say({ en: `  ${duration(left)} left`, zh: `  还要 ${duration(left)}` })
  return say({
    en: `${Math.floor(share * 100)} %  file ${Math.min(file + 1, files)}/${files}  ${compact(read)} read, ${compact(kept)} kept  ${speed}${eta}  ${source}`,
    zh: `${Math.floor(share * 100)} %  第 ${Math.min(file + 1, files)}/${files} 个文件  读了 ${compact(read)} 篇，留下 ${compact(kept)} 篇  ${speed}${eta}  ${source}`,
  })
}

function rankLine(rank: number, of: number, files: number, missing: number): string {
  const [en, zh] =
    missing === 0
      ? [
          'all are there: run the same command without --rank and --of to finish',
          '都齐了：去掉 --rank 和 --of 再运行一次，就合成语料',
        ]
      : [
          `${missing} of ${files} files are still to be done by others`,
          `还有 ${missing} 个文件（共 ${files} 个）等其他份处理`,
        ]
  return say({ en: `rank ${rank} of ${of} is done; ${en}.`, zh: `第 ${rank} 份（共 ${of} 份）完成；${zh}。` })
}

const doneLine = (folder: string, seconds: number) =>
  say({
    en: `${folder}: done in ${duration(seconds)}. Why each document stayed or went: xueba corpus funnel ${folder} --samples …`,
    zh: `${folder}：完成，用时 ${duration(seconds)}。每篇为什么留下或丢掉：xueba corpus funnel ${folder} --samples …`,
  })

/**
 * Finding and cleaning what will be read: pages, text and tables of the recipe, or the crawl and the school books of the
 * embedded world, which go through the same pipeline.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { buildCorpus, corpusConfig, corpusMetrics, sourceConfig } from '../corpus/index.ts'
import { dataFile } from '../run/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import { writeWorld } from '../world/crawl.node.ts'
import { makeWorld } from '../world/index.ts'
import type { Stage, StageContext } from './stage.ts'
import { textsOf } from './tokenizer.ts'

const fileSource = sourceConfig.extend({
  path: dataFile().describe('file or folder: .warc .html .txt .md .jsonl .csv, or .gz of them'),
})
const worldSource = z.strictObject({
  world: z.literal('web').describe('the web of the embedded town, and its school books'),
  exercises: z
    .array(z.strictObject({ task: taskSchema, count: z.number().int().positive() }))
    .default([])
    .describe('exercises worked in the school books'),
  rounds: z
    .number()
    .int()
    .positive()
    .default(5)
    .describe('how many times the town writes about everybody, in other words'),
})

const schema = corpusConfig.extend({ sources: z.array(z.union([fileSource, worldSource])).min(1) })
type Config = z.infer<typeof schema>

export const corpus: Stage<Config> = {
  kind: 'corpus',
  config: schema,
  async run(context, config) {
    const sources: z.infer<typeof sourceConfig>[] = []
    for (const source of config.sources) {
      if ('path' in source) sources.push(source)
      else sources.push(...(await writeTown(context, source)))
    }
    let shown = -Infinity
    const report = await buildCorpus({ ...config, sources }, context.folder, {
      seed: context.seed,
      strict: context.strict,
      async progress({ file, files }) {
        if (performance.now() - shown < 500) return
        shown = performance.now()
        context.emit({ type: 'progress', step: file, steps: files })
        await context.border({ step: file, save: async () => {} }) // stopped here, it begins anew
      },
    })
    return { ...corpusMetrics(report), heldOutSeen: await linesSeen(context.folder) }
  },
}

/**
 * The share of held-out text, by characters of its lines, that stands word for word in the documents to be read, too. What is
 * measured on held-out text is partly memory then. Null when nothing is held out.
 */
async function linesSeen(folder: string): Promise<number | null> {
  const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')
  const unseen = new Map<string, number>()
  let total = 0
  for await (const text of textsOf(join(folder, 'heldout.jsonl')))
    for (const line of linesOf(text)) {
      unseen.set(line, (unseen.get(line) ?? 0) + line.length)
      total += line.length
    }
  if (total === 0) return null
  for await (const text of textsOf(join(folder, 'documents.jsonl')))
    for (const line of linesOf(text)) unseen.delete(line)
  return 1 - [...unseen.values()].reduce((a, b) => a + b, 0) / total
}

async function writeTown(context: StageContext, { exercises, rounds }: z.infer<typeof worldSource>) {
  const { language, seed } = context
  const folder = join(context.folder, 'crawl')
  await mkdir(folder, { recursive: true })
  const worked = []
  for (const { task: spec, count } of exercises)
    worked.push(...(await openTask(spec, language)).task.train(count, seed))
  const { web, textbooks } = await writeWorld(folder, makeWorld({ language, seed }), worked, rounds)
  return [web, textbooks].map((path) => sourceConfig.parse({ path }))
}

/**
 * Finding and cleaning what will be read: pages, text and tables of the recipe, or the crawl and the school books of the
 * embedded world, which go through the same pipeline.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { buildCorpus, corpusConfig, corpusMetrics, decontaminateConfig, sourceConfig } from '../corpus/index.ts'
import type { CorpusConfig } from '../corpus/index.ts'
import { openJsonl } from '../formats/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import { writeWorld } from '../world/crawl.node.ts'
import { makeWorld } from '../world/index.ts'
import type { Stage, StageContext } from './stage.ts'
import { seenShare } from './unseen.ts'

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

const decontaminate = decontaminateConfig.extend({
  tasks: z
    .array(z.strictObject({ task: taskSchema, count: z.number().int().positive() }))
    .default([])
    .describe('held-out exercises of tasks; sums also without their sentence (then `shortest` has to be 3)'),
})

const schema = corpusConfig.extend({
  sources: z.array(z.union([...sourceConfig.options, worldSource])).min(1),
  decontaminate: z.union([decontaminate, z.literal(false)]).default(false),
})
type Config = z.infer<typeof schema>

export type CorpusStageConfig = Config

export const corpus: Stage<Config> = {
  kind: 'corpus',
  config: schema,
  async run(context, config) {
    const { folder, seed, language, resume } = context
    // A checkpoint without files: it says that what is half done in this folder is ours to go on with.
    if (!resume) await context.save(0, {}, {})
    let shown = -Infinity
    const begin = performance.now()
    const report = await buildCorpus(await withTown(config, { folder, seed, language }), folder, {
      seed,
      strict: context.strict,
      async progress({ file, files, phase, share }) {
        if (performance.now() - shown < 500) return
        shown = performance.now()
        const seconds = (shown - begin) / 1000
        const eta = phase === 'clean' && share > 0.01 ? { etaSeconds: (seconds / share) * (1 - share) } : {}
        context.emit({ type: 'progress', step: file, steps: files, ...eta })
        await context.border({ step: file, save: async () => {} }) // what has been cleaned stays
      },
    })
    return { ...corpusMetrics(report), heldOutSeen: await seenShare(folder) }
  },
}

/**
 * The options with files in the place of what they name: the town's web and its books, held-out exercises of tasks. They are written into
 * the folder unless they are there.
 */
export async function withTown(
  { sources, decontaminate, ...config }: Config,
  { folder, seed, language }: Pick<StageContext, 'folder' | 'seed' | 'language'>,
): Promise<CorpusConfig> {
  const found: z.infer<typeof sourceConfig>[] = []
  for (const source of sources) {
    if (!('world' in source)) {
      found.push(source)
      continue
    }
    const worked = []
    for (const { task: spec, count } of source.exercises)
      worked.push(...(await openTask(spec, language)).task.train(count, seed))
    const crawl = join(folder, 'crawl')
    await mkdir(crawl, { recursive: true })
    const paths = existsSync(join(crawl, BOOKS))
      ? { web: join(crawl, 'web.warc.gz'), textbooks: join(crawl, BOOKS) }
      : await writeWorld(crawl, makeWorld({ language, seed }), worked, source.rounds)
    found.push(...[paths.web, paths.textbooks].map((path) => sourceConfig.parse({ path })))
  }
  const questions = await withExercises({ language, seed, folder }, decontaminate)
  return { ...config, sources: found, decontaminate: questions }
}

/** Written last of what the town writes. */
const BOOKS = 'textbooks.jsonl'

/** The configuration with the tasks' held-out exercises as one more file of questions. */
async function withExercises(
  { language, seed, folder }: Pick<StageContext, 'folder' | 'seed' | 'language'>,
  config: Config['decontaminate'],
): Promise<z.infer<typeof decontaminateConfig> | false> {
  if (config === false) return false
  const { tasks, ...rest } = config
  if (tasks.length === 0) return rest
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'questions.jsonl')
  const file = await openJsonl(path)
  try {
    for (const { task: spec, count } of tasks) {
      for (const { prompt } of (await openTask(spec, language)).task.test(count, seed)) {
        await file.write({ question: prompt })
        const [sum] = /\d+ ?[-+*/×÷] ?\d+/.exec(prompt) ?? []
        if (sum !== undefined) await file.write({ question: sum })
      }
    }
    await file.close()
  } catch (error) {
    await file.discard()
    throw error
  }
  return { ...rest, fields: ['question', ...rest.fields], files: [...rest.files, path] }
}

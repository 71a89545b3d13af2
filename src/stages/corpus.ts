/**
 * Finding and cleaning what will be read: pages, text and tables of the recipe, or the crawl and the school books of the
 * embedded world, which go through the same pipeline.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { buildCorpus, corpusConfig, corpusMetrics, decontaminateConfig, sourceConfig } from '../corpus/index.ts'
import { openJsonl } from '../formats/index.ts'
import { dataFile } from '../run/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import { writeWorld } from '../world/crawl.node.ts'
import { makeWorld } from '../world/index.ts'
import type { Stage, StageContext } from './stage.ts'
import { seenShare } from './unseen.ts'

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

const decontaminate = decontaminateConfig.extend({
  tasks: z
    .array(z.strictObject({ task: taskSchema, count: z.number().int().positive() }))
    .default([])
    .describe('held-out exercises of tasks; sums also without their sentence (then `shortest` has to be 3)'),
})

const schema = corpusConfig.extend({
  sources: z.array(z.union([fileSource, worldSource])).min(1),
  decontaminate: z.union([decontaminate, z.literal(false)]).default(false),
})
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
    const questions = await withExercises(context, config.decontaminate)
    let shown = -Infinity
    const report = await buildCorpus({ ...config, sources, decontaminate: questions }, context.folder, {
      seed: context.seed,
      strict: context.strict,
      async progress({ file, files }) {
        if (performance.now() - shown < 500) return
        shown = performance.now()
        context.emit({ type: 'progress', step: file, steps: files })
        await context.border({ step: file, save: async () => {} }) // stopped here, it begins anew
      },
    })
    return { ...corpusMetrics(report), heldOutSeen: await seenShare(context.folder) }
  },
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

/** The configuration with the tasks' held-out exercises as one more file of questions. */
async function withExercises(
  { language, seed, folder }: StageContext,
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

/**
 * Finding and cleaning what will be read: pages, text and tables of the recipe, or the crawl and the school books of the
 * embedded world, which go through the same pipeline.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { buildCorpus, corpusConfig, corpusMetrics, sourceConfig } from '../corpus/index.ts'
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

const schema = corpusConfig.extend({ sources: z.array(z.union([...sourceConfig.options, worldSource])).min(1) })
type Config = z.infer<typeof schema>

export const corpus: Stage<Config> = {
  kind: 'corpus',
  config: schema,
  async run(context, config) {
    const sources: z.infer<typeof sourceConfig>[] = []
    for (const source of config.sources) {
      if ('world' in source) sources.push(...(await writeTown(context, source)))
      else sources.push(source)
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

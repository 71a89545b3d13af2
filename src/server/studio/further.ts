/**
 * Training further on what somebody made on a page: dialogues of their own beside those that the run studied, or their orders of drafts. What
 * comes of it is a run of its own that begins with a copy of the model; the first run, which may be a recording, stays as it is.
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Context, Hono } from 'hono'
import { parse } from 'yaml'
import { z } from 'zod'
import { writeFileAtomic } from '../../formats/atomic.ts'
import { readRun, type Run, runFiles, UserError } from '../../run/index.ts'
import { prepareRun } from '../../stages/prepare.ts'
import { readRankings } from '../../stages/rankings.ts'
import { pairsOf } from '../../stages/ranking.ts'
import { modelFolder } from './artifacts.ts'
import { bodyOf } from './form.ts'
import type { Place, Places } from './places.ts'
import { furtherBody } from './requests.ts'
import type { Trainers } from './trainers.ts'

export interface FurtherParts {
  places: Places
  trainers: Trainers
  placeOf(c: Context): Promise<Place>
}

/** Dialogues of the run's own that are studied again, so that the new ones do not drive out what it could: of each source. */
const AGAIN = 300
/** Own dialogues are repeated until there are about so many. */
const OWN = 150
/** Fewer pairs than these teach nothing that could be measured. */
const FEWEST_PAIRS = 10

export function furtherRoutes(app: Hono, { places, trainers, placeOf }: FurtherParts): void {
  app.post('/api/runs/:run/further', async (c) => {
    const body = await bodyOf(c, furtherBody)
    const place = await placeOf(c)
    const run = await readRun(place.folder)
    const model = modelFolder(run, body.model)
    const folder = places.fresh(body.name)
    const first = { kind: 'import', model: model.folder }
    await mkdir(folder, { recursive: true })
    try {
      const second = body.dialogues ? await study(run, folder, body.dialogues) : await judge(run, folder)
      const recipe = { name: basename(folder), language: body.language, seed: 1, stages: [first, second] }
      await prepareRun(recipe, { out: folder })
    } catch (error) {
      await rm(folder, { recursive: true })
      throw error
    }
    trainers.start(folder)
    return c.json({ id: basename(folder) }, 201)
  })
}

const outline = z.object({ stages: z.array(z.looseObject({ kind: z.string() })) })

/** A short fine-tuning at half of SFT's usual rates. */
async function study(run: Run, folder: string, dialogues: NonNullable<z.infer<typeof furtherBody>['dialogues']>) {
  const file = join(folder, 'dialogues.jsonl')
  const lines = dialogues.map((messages) => `${JSON.stringify({ messages })}\n`).join('')
  await writeFileAtomic(file, lines.repeat(Math.max(1, Math.round(OWN / dialogues.length))))
  const { stages } = outline.parse(parse(await readFile(runFiles(run.folder).recipe, 'utf8')))
  const before = stages.find(({ kind }) => kind === 'sft')
  const known = z.array(z.looseObject({ count: z.number().optional() })).safeParse(before?.data).data ?? []
  const again = known.map((source) => ({ ...source, count: Math.min(AGAIN, source.count ?? AGAIN) }))
  return {
    kind: 'sft',
    steps: 80,
    rows: 8,
    time: typeof before?.time === 'number' ? before.time : 128,
    matrixRate: 0.005,
    embeddingRate: 0.002,
    vectorRate: 0.002,
    evaluateEvery: 20,
    data: [{ file }, ...again],
  }
}

async function judge(run: Run, folder: string) {
  const pairs = (await readRankings(run.folder)).flatMap(pairsOf).length
  if (pairs < FEWEST_PAIRS)
    throw new UserError(
      `${pairs} pairs so far: put drafts in order until there are ${FEWEST_PAIRS}`,
      `现在只有 ${pairs} 对，再排几次，至少要 ${FEWEST_PAIRS} 对`,
    )
  const file = join(folder, 'preferences.jsonl')
  await copyFile(join(run.folder, 'preferences.jsonl'), file)
  return { kind: 'reward-model', epochs: 4, rows: 8, time: 160, evaluateEvery: 5, heldOut: 0.2, data: [{ file }] }
}

/**
 * Where a person's orders lie: `rankings.jsonl` holds what was said, `preferences.jsonl` the pairs that follow from it; and what there is to rank
 * where nobody brought prompts: essays about the town that a run read about. `xueba rank` and the studio write the same two files.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { readJsonl, writeFileAtomic } from '../formats/index.ts'
import { isRun, readRun, runFiles, UserError } from '../run/index.ts'
import { essays, makeWorld } from '../world/index.ts'
import { pairsOf, type Ranking } from './ranking.ts'

export const RANKINGS = 'rankings.jsonl'
export const PREFERENCES = 'preferences.jsonl'

const rankingSchema = z.object({
  prompt: z.string(),
  drafts: z.array(z.string()),
  ranks: z.array(z.array(z.number().int().nonnegative())),
})

/** Both files anew, whole: never a label lost, never half of one. */
export async function saveRankings(home: string, rankings: readonly Ranking[]): Promise<void> {
  const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  await writeFileAtomic(join(home, RANKINGS), lines(rankings))
  await writeFileAtomic(join(home, PREFERENCES), lines(rankings.flatMap(pairsOf)))
}

/** What was ranked before; a line that cannot be read is an error, as saving would lose it. */
export async function readRankings(home: string): Promise<Ranking[]> {
  const path = join(home, RANKINGS)
  const rankings: Ranking[] = []
  if (!existsSync(path)) return rankings
  for await (const row of readJsonl(path)) {
    const parsed = 'defect' in row ? undefined : rankingSchema.safeParse(row.value).data
    if (!parsed || parsed.ranks.flat().some((draft) => draft >= parsed.drafts.length))
      throw new UserError(`${path}, line ${row.line} is no ranking`, `${path} 第 ${row.line} 行不是一次排序`)
    rankings.push(parsed)
  }
  return rankings
}

/** Undefined where the run read about no town. */
export async function townPrompts(run: string): Promise<string[] | undefined> {
  const text = isRun(run) ? await readFile(runFiles(run).recipe, 'utf8') : ''
  if (!/^\s*-? *world:/m.test(text)) return undefined
  const { language } = await readRun(run)
  const { seed = 1 } = parse(text) as { seed?: number }
  return essays(makeWorld({ language, seed }))
    .train(500, seed)
    .map(({ prompt }) => prompt)
}

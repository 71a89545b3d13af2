/**
 * How well a reward model judges, and what following it is worth: the tables that its stage and the best-of-n stage leave beside their models.
 * They are whole numbers of a few kilobytes; curves over steps are in the event log.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readJson, type Run } from '../../run/index.ts'
import { BEST_OF_N } from '../../stages/best-of-n.ts'
import { CALIBRATION } from '../../stages/calibration.ts'

export const JUDGE_FILES = [CALIBRATION, BEST_OF_N]

/** By the stage's folder; stages without a table are left out, as are all before the first measurement. */
export async function judgeOf(
  run: Run,
): Promise<{ calibration: Record<string, unknown>; best: Record<string, unknown> }> {
  const read = async (file: string) => {
    const found: Record<string, unknown> = {}
    for (const { folder } of run.stages)
      if (existsSync(join(folder, file))) found[basename(folder)] = await readJson(join(folder, file))
    return found
  }
  return { calibration: await read(CALIBRATION), best: await read(BEST_OF_N) }
}

/**
 * BLiMP (Warstadt et al., "BLiMP: the benchmark of linguistic minimal pairs for English", 2020): of two sentences that differ in little, the
 * model should find the grammatical one more probable. Sums of log-probabilities of whole sentences decide, as in the paper's
 * "simple LM method"; a paradigm is a file.
 */
import { z } from 'zod'
import type { Tokenizer } from '../../tokenizer/index.ts'
import { type SuiteTask, textIds } from './question.ts'
import { checked, type DataFile, readRows } from './rows.ts'
import { subset } from './subset.ts'

const pair = z.object({ sentence_good: z.string().min(1), sentence_bad: z.string().min(1) })

export async function blimpTasks(
  files: readonly DataFile[],
  tokenizer: Tokenizer,
  limit: number | undefined,
  seed: number,
): Promise<SuiteTask[]> {
  const tasks: SuiteTask[] = []
  for (const file of files) {
    const name = nameOf(file)
    const pairs = subset(await readRows(file), limit, seed, name).map((row) => checked(pair, row))
    tasks.push({
      name,
      chance: 0.5,
      shots: 0,
      size: pairs.length,
      question(index) {
        const { sentence_good, sentence_bad } = pairs[index]!
        const choices = [sentence_good, sentence_bad].map((text) => ({ ids: textIds(tokenizer, text), from: 1 }))
        return { kind: 'likeliest', choices, gold: 0, by: 'sum' }
      },
    })
  }
  return tasks
}

/** `causative.jsonl`, or `causative/train-00000-of-00001.parquet` as on the Hub. */
function nameOf({ name }: DataFile): string {
  const parts = name.split('/')
  const own = parts.at(-1)!.replace(/\..*$/, '')
  return /^(train|test)\b/.test(own) && parts.length > 1 ? parts.at(-2)! : own
}

/**
 * CORE of DataComp-LM (Li et al., 2024, https://arxiv.org/abs/2406.11794) as nanochat computes it (nanochat/core_eval.py and
 * scripts/base_eval.py): 22 tasks in three forms, few-shot as plain text, and each task's accuracy centred so that guessing is 0 and all
 * right is 1. Names, shots and delimiters are those of DCLM's core, chance levels those of its eval_meta_data; order and worked examples
 * are drawn as nanochat draws them, so that prompts are the same for the same data. The files are not shipped. In `eval-core`-like
 * folders tasks are found by file name; SIQA is no task of CORE and is reported beside it.
 */
import { z } from 'zod'
import type { Tokenizer } from '../../tokenizer/index.ts'
import { pythonRandom } from './mersenne.ts'
import {
  choicesAfterPrefix,
  choicesOfSuffix,
  commonLength,
  type Question,
  type SuiteTask,
  textIds,
} from './question.ts'
import { checked, type DataFile, fail, readRows, type Row } from './rows.ts'

type Form = 'multiple choice' | 'schema' | 'language modelling'

export interface CoreTask {
  name: string
  file: string
  form: Form
  shots: number
  delimiter: string
  /** Per cent. */
  chance: number
}

const task = (
  name: string,
  form: Form,
  shots: number,
  chance: number,
  { file = name, delimiter = ' ' }: { file?: string; delimiter?: string } = {},
): CoreTask => ({ name, file: `${file}.jsonl`, form, shots, delimiter, chance })

const ANSWER = { delimiter: '\nAnswer: ' }

export const CORE_TASKS: readonly CoreTask[] = [
  task('hellaswag_zeroshot', 'multiple choice', 0, 25, { file: 'hellaswag' }),
  task('jeopardy', 'language modelling', 10, 0, { file: 'jeopardy_all', ...ANSWER }),
  task('bigbench_qa_wikidata', 'language modelling', 10, 0),
  task('arc_easy', 'multiple choice', 10, 25, ANSWER),
  task('arc_challenge', 'multiple choice', 10, 25, ANSWER),
  task('copa', 'multiple choice', 0, 50),
  task('commonsense_qa', 'multiple choice', 10, 20),
  task('piqa', 'multiple choice', 10, 50, ANSWER),
  task('openbook_qa', 'multiple choice', 0, 25),
  task('lambada_openai', 'language modelling', 0, 0),
  task('hellaswag', 'multiple choice', 10, 25),
  task('winograd', 'schema', 0, 50, { file: 'winograd_wsc' }),
  task('winogrande', 'schema', 0, 50),
  task('bigbench_dyck_languages', 'language modelling', 10, 0),
  task('agi_eval_lsat_ar', 'multiple choice', 3, 20),
  task('bigbench_cs_algorithms', 'language modelling', 10, 0),
  task('bigbench_operators', 'language modelling', 10, 0),
  task('bigbench_repeat_copy_logic', 'language modelling', 10, 0),
  task('squad', 'language modelling', 10, 0),
  task('coqa', 'language modelling', 0, 0),
  task('boolq', 'multiple choice', 10, 62, ANSWER),
  task('bigbench_language_identification', 'multiple choice', 10, 9.1),
]

/** Known to the same data set, where it has two choices, but no part of CORE's mean. */
const BESIDE: readonly CoreTask[] = [task('siqa', 'multiple choice', 10, 50)]

/** Guessing is 0, all right is 1; worse than guessing is below 0. `chance`: a share. */
export const centred = (accuracy: number, chance: number): number => (accuracy - chance) / (1 - chance)

/** The tasks whose files are there; names of the tasks of CORE whose files are not. Throws where no file is a task's. */
export async function coreTasks(
  files: readonly DataFile[],
  tokenizer: Tokenizer,
  limit: number | undefined,
): Promise<{ tasks: SuiteTask[]; missing: string[] }> {
  const tasks: SuiteTask[] = []
  const missing: string[] = []
  for (const one of [...CORE_TASKS, ...BESIDE]) {
    const file = files.find(
      ({ name }) =>
        name
          .split('/')
          .at(-1)!
          .replace(/\.(gz|zst)$/, '') === one.file,
    )
    if (file) tasks.push(await openCoreTask(one, file, tokenizer, limit))
    else if (CORE_TASKS.includes(one)) missing.push(one.name)
  }
  if (tasks.length > 0) return { tasks, missing }
  const known = CORE_TASKS.map((one) => one.file).join(', ')
  return fail(files[0]!.name, `no file of CORE among ${files.length}: ${known}`, `没有一个是 CORE 的文件：${known}`)
}

export async function openCoreTask(
  { name, form, shots, delimiter, chance }: CoreTask,
  file: DataFile,
  tokenizer: Tokenizer,
  limit: number | undefined,
): Promise<SuiteTask> {
  const rows = await readRows(file)
  pythonRandom(1337).shuffle(rows)
  const read = { 'multiple choice': multipleChoice, schema: schemaItem, 'language modelling': languageModelling }[form]
  const items = rows.slice(0, limit).map((row) => read(row, delimiter))
  return {
    name,
    chance: chance / 100,
    shots: Math.min(shots, items.length - 1),
    size: items.length,
    question(index) {
      // nanochat's choice: of all items but this one
      const drawn = pythonRandom(1234 + index).sample(items.length - 1, Math.min(shots, items.length - 1))
      const before = drawn.map((i) => `${items[i < index ? i : i + 1]!.example}\n\n`).join('')
      return items[index]!.ask(before, tokenizer)
    },
  }
}

// --- internal ---

interface Item {
  /** As a worked example. */
  example: string
  ask(before: string, tokenizer: Tokenizer): Question
}

const gold = z.int().nonnegative()
const choiceRow = z.object({ query: z.string(), choices: z.array(z.string()).min(2), gold })
const schemaRow = z.object({ context_options: z.array(z.string()).min(2), continuation: z.string().min(1), gold })
const modellingRow = z.object({ context: z.string(), continuation: z.string().min(1) })

function expectGold(row: Row, gold: number, choices: readonly string[]): void {
  if (gold >= choices.length)
    fail(
      row.place,
      `gold is ${gold}; there are ${choices.length} choices, from 0`,
      `gold 是 ${gold}，而选项只有 ${choices.length} 个（从 0 数起）`,
    )
}

function multipleChoice(row: Row, delimiter: string): Item {
  const { query, choices, gold } = checked(choiceRow, row)
  expectGold(row, gold, choices)
  return {
    example: `${query}${delimiter}${choices[gold]}`,
    ask: (before, tokenizer) => ({
      kind: 'likeliest',
      choices: choicesAfterPrefix(
        choices.map((choice) => textIds(tokenizer, `${before}${query}${delimiter}${choice}`)),
      ),
      gold,
      by: 'mean',
    }),
  }
}

function schemaItem(row: Row, delimiter: string): Item {
  const { context_options: contexts, continuation, gold } = checked(schemaRow, row)
  expectGold(row, gold, contexts)
  const text = (context: string) => `${context}${delimiter}${continuation}`
  return {
    example: text(contexts[gold]!),
    ask: (before, tokenizer) => ({
      kind: 'likeliest',
      choices: choicesOfSuffix(contexts.map((context) => textIds(tokenizer, before + text(context)))),
      gold,
      by: 'mean',
    }),
  }
}

/** The context is asked without the delimiter's last spaces: they belong to the first token of what follows. */
function languageModelling(row: Row, delimiter: string): Item {
  const { context, continuation } = checked(modellingRow, row)
  const stem = `${context.trim()}${delimiter}`
  return {
    example: stem + continuation,
    ask(before, tokenizer) {
      const whole = textIds(tokenizer, before + stem + continuation)
      const from = commonLength([textIds(tokenizer, (before + stem).trim()), whole])
      return { kind: 'exact', prompt: whole.slice(0, from), expected: whole.slice(from) }
    },
  }
}

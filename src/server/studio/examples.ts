/** Worked examples of a run's fine-tuning, some of every source. The page renders them into tokens and paints what counts for the loss. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Run, runFiles } from '../../run/index.ts'
import { dialogueSource, readDialogues } from '../../stages/dialogues.ts'
import type { Message } from '../../tokenizer/index.ts'
import { NotThere } from './form.ts'

const outline = z.object({
  seed: z.number().default(1),
  language: z.enum(['zh', 'en']),
  stages: z.array(z.looseObject({ kind: z.string() })),
})

/** `count` dialogues of each source, from all over it. */
export async function examplesOf(run: Run, count: number): Promise<Message[][]> {
  const { seed, language, stages } = outline.parse(parse(await readFile(runFiles(run.folder).recipe, 'utf8')))
  const data = z.array(dialogueSource).safeParse(stages.find(({ kind }) => kind === 'sft')?.data).data
  if (!data) throw new NotThere('this run has no fine-tuning', '这个运行没有监督微调')
  const examples: Message[][] = []
  for (const source of data) {
    const dialogues = await readDialogues(source, { language, seed }, () => {})
    const every = Math.max(1, Math.floor(dialogues.length / count))
    examples.push(...dialogues.filter((_, i) => i % every === 0).slice(0, count))
  }
  return examples
}

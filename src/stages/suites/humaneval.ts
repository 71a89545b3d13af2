/**
 * HumanEval (Chen et al., "Evaluating large language models trained on code", 2021): the model writes the body of a Python function, and its
 * tests are run in the sandbox. A base model goes on with the text until a line begins that is no part of the body (the paper's stop strings); a
 * chat model is asked for the whole function, and its first block of code counts, the imports of the problem put before it.
 */
import { z } from 'zod'
import { renderChat, stopIds, type Tokenizer, textStops } from '../../tokenizer/index.ts'
import type { WrittenOptions } from './gsm8k.ts'
import { type SuiteTask, textIds } from './question.ts'
import { checked, type DataFile, readRows } from './rows.ts'
import type { Sandbox } from './sandbox.ts'
import { subset } from './subset.ts'

export const HUMANEVAL_TOKENS = 384

const UNTIL = ['\nclass', '\ndef', '\n#', '\nif', '\nprint']

const problem = z.object({
  task_id: z.string(),
  prompt: z.string().min(1),
  entry_point: z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of a function'),
  test: z.string().min(1),
})
export type CodeProblem = z.infer<typeof problem>

export async function humanevalTasks(
  files: readonly DataFile[],
  tokenizer: Tokenizer,
  sandbox: Sandbox,
  { limit, seed, maxTokens, isBase }: WrittenOptions,
): Promise<SuiteTask[]> {
  const rows = (await Promise.all(files.map((file) => readRows(file)))).flat()
  const problems = subset(rows, limit, seed, 'humaneval').map((row) => checked(problem, row))
  return [
    {
      name: 'humaneval',
      chance: 0,
      shots: 0,
      size: problems.length,
      question(index) {
        const one = problems[index]!
        const content = `Complete this Python function. Answer with the whole function in one block of code.\n\n\`\`\`python\n${one.prompt}\`\`\``
        return {
          kind: 'written',
          prompt: isBase
            ? textIds(tokenizer, one.prompt)
            : renderChat(tokenizer, [{ role: 'user', content }], { generationPrompt: true }).ids,
          maxTokens,
          stopIds: isBase ? textStops(tokenizer) : stopIds(tokenizer),
          until: isBase ? UNTIL : [],
          judge: (text) => passes(sandbox, one, isBase ? one.prompt + text : programIn(text, one.prompt)),
        }
      },
    },
  ]
}

/** Do the tests of the problem pass with this program? */
export async function passes(sandbox: Sandbox, { test, entry_point }: CodeProblem, program: string): Promise<boolean> {
  return (await sandbox.run(`${program}\n${test}\ncheck(${entry_point})`)).finished
}

/** The first block of code in an answer, or all of it; with the imports that stand before the function in the problem. */
export function programIn(answer: string, prompt: string): string {
  const code = /```(?:python|py)?[ \t]*\n([\s\S]*?)(?:\n```|$)/.exec(answer)?.[1] ?? answer
  const imports = prompt.split('\n').filter((line) => /^(import|from) /.test(line))
  return `${imports.join('\n')}\n${code}`
}

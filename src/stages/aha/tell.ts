/** What an RL stage tells of marks at every step, and at its end: `aha.json`, and the verdict beside the controls that are done by then. */
import { readManifest } from '../../run/index.ts'
import type { Group } from '../rl/rollout.ts'
import type { StageContext } from '../stage.ts'
import { judgeStage, phrasesOf, writeAha } from './file.ts'
import { type Mark, type markFinder, MARKS } from './marks.ts'
import { sayVerdict } from './words.ts'

/** The options of an RL stage that matter here. */
interface Practice extends Record<string, unknown> {
  aha?: Partial<Record<Mark, string[]>>
}

export async function tellAha(context: StageContext, options: Practice): Promise<void> {
  const { folder, language, seed } = context
  if (!(await writeAha(folder, phrasesOf(language, options.aha), seed))) return
  const earlier = []
  for (const { kind, name, folder } of context.earlier) {
    const manifest = kind === 'rl' ? await readManifest(folder) : undefined
    if (manifest) earlier.push({ kind, name, folder, config: manifest.config })
  }
  const own = { kind: 'rl', name: '', folder, config: options }
  const judged = await judgeStage(own, earlier, language)
  if (!judged) return
  const { verdict, step } = judged.verdict
  context.emit({
    type: 'verdict',
    about: 'aha',
    holds: verdict === 'unconfirmed' || verdict === 'too-short' ? null : verdict === 'happened',
    ...(step === null ? {} : { step }),
    message: sayVerdict(judged),
  })
}

/** The share of the step's answers with each kind of mark. */
export function emitMarks(
  context: StageContext,
  step: number,
  groups: readonly Group[],
  marksOf: ReturnType<typeof markFinder>,
): void {
  const found = groups.flatMap(({ answers }) => answers.map(({ asked }) => marksOf(asked.text)))
  for (const mark of MARKS) {
    const value = found.filter((marks) => marks[mark] !== undefined).length / found.length
    context.emit({ type: 'metric', name: mark, value, step, split: 'train' })
  }
}

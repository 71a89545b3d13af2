/** Lines of data files that a stage cannot use: refused when asked to be strict, else listed in rejected.jsonl. */
import { join } from 'node:path'
import { writeFileAtomic } from '../formats/index.ts'
import { UserError } from '../run/index.ts'
import type { Defect } from './dialogues.ts'
import type { StageContext } from './stage.ts'

/** Throws a UserError that names the first defect when the stage is strict. */
export async function reportDefects(context: StageContext, defects: readonly Defect[]): Promise<void> {
  const [first] = defects
  if (!first) return
  const { source, line, detail } = first
  if (context.strict) throw new UserError(`${source}, line ${line}: ${detail}`, `${source} 第 ${line} 行：${detail}`)
  await writeFileAtomic(join(context.folder, 'rejected.jsonl'), defects.map((d) => `${JSON.stringify(d)}\n`).join(''))
  context.emit({
    type: 'warning',
    code: 'rejected-lines',
    message: {
      en: `${defects.length} lines cannot be used and were left out (rejected.jsonl); the first: ${source}, line ${line}: ${detail}`,
      zh: `有 ${defects.length} 行用不了，已跳过（见 rejected.jsonl）；第一处：${source} 第 ${line} 行：${detail}`,
    },
  })
}

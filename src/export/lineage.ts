/** Which stages of a run made a model: its own, those it went on from, and the reading before them; not what came later or beside. */
import type { ReportCard, StageCard } from '../stages/report/card.ts'
import { stageOptions } from '../stages/report/gather.ts'
import { MODEL_KINDS } from '../stages/model-folder.ts'

/** In their order; empty when the run has no such stage. */
export function lineageOf(
  { stages, controls, recipe }: Pick<ReportCard, 'stages' | 'controls' | 'recipe'>,
  name: string,
): StageCard[] {
  const options = stageOptions(recipe)
  const isControl = new Set(controls.map((control) => control.name))
  const own = new Set<string>()
  let at: string | undefined = name
  while (at !== undefined && !own.has(at)) {
    own.add(at)
    at = before(at)
  }
  const last = stages.findIndex((stage) => stage.name === name)
  return stages.slice(0, last + 1).filter(({ kind, name }) => own.has(name) || ['corpus', 'tokenizer'].includes(kind))

  /** The stage that this one went on from, if any. */
  function before(name: string): string | undefined {
    const index = stages.findIndex((stage) => stage.name === name)
    const from = options.get(name)?.from
    if (index < 0 || stages[index]!.kind === 'import' || from === 'random') return undefined
    // Reading begins with random weights, or with a model of somebody else's.
    if (stages[index]!.kind === 'pretrain') return stages.slice(0, index).findLast((s) => s.kind === 'import')?.name
    if (typeof from === 'string' && from !== 'latest') return from
    const models = stages.slice(0, index).filter((s) => MODEL_KINDS.includes(s.kind) && !isControl.has(s.name))
    return models.at(-1)?.name
  }
}

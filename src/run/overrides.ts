/**
 * `--set a.b=value`: changes to a recipe from the command line, made before it is checked. Values are YAML (`3`, `0.1`, `true`, `[a, b]`).
 * A stage is addressed by its name, its kind when only one has it, or its index: `stages.pretrain.steps=100`.
 */
import { parse } from 'yaml'
import { RecipeError, unknownWord, type Problem } from './problems.ts'

export interface Override {
  /** As typed, after `--set`. */
  typed: string
  /** Where it went, with stages as indices. */
  path: (string | number)[]
}

/** Changes the raw recipe in place. Throws a RecipeError for an assignment that leads nowhere. */
export function applyOverrides(raw: Record<string, unknown>, assignments: readonly string[]): Override[] {
  return assignments.map((typed) => {
    const refuse = (problem: Omit<Problem, 'path'>) =>
      new RecipeError([{ ...problem, path: [] }], () => `--set ${typed}`)
    const equals = typed.indexOf('=')
    const keys = typed.slice(0, equals).split('.')
    if (equals < 1 || keys.some((key) => key === '' || key === '__proto__')) {
      throw refuse({ en: 'expected key.key=value', zh: '应写成 键.键=值' })
    }
    const value = parseValue(typed.slice(equals + 1))
    let owner: unknown = raw
    const path: (string | number)[] = []
    keys.forEach((key, depth) => {
      const last = depth === keys.length - 1
      let step: string | number = key
      if (Array.isArray(owner)) {
        const isStages = depth === 1 && keys[0] === 'stages'
        const index = /^\d+$/.test(key) ? Number(key) : isStages ? stageIndex(owner, key) : undefined
        if (index === undefined || index >= owner.length) {
          const known = isStages ? stageNames(owner) : owner.map((_, position) => String(position))
          throw refuse(
            unknownWord([], isStages ? { en: 'stage', zh: '阶段' } : { en: 'index', zh: '序号' }, key, known),
          )
        }
        step = index
      }
      path.push(step)
      const here = owner as Record<string | number, unknown>
      if (last) here[step] = value
      else {
        if (here[step] === undefined || here[step] === null) here[step] = {}
        if (typeof here[step] !== 'object') {
          const place = path.join('.')
          throw refuse({ en: `${place} is a single value and has no keys`, zh: `${place} 是单个值，下面没有键` })
        }
        owner = here[step]
      }
    })
    return { typed, path }
  })
}

/** YAML where it is YAML, the text itself otherwise (`C:\a: b`). */
function parseValue(text: string): unknown {
  try {
    return parse(text) as unknown
  } catch {
    return text
  }
}

/** Every stage's name: its own, or its kind, numbered when the kind occurs again (sft, sft-2). */
export function stageNames(stages: readonly unknown[]): string[] {
  const seen = new Map<string, number>()
  return stages.map((stage) => {
    const { kind, name } = (stage ?? {}) as { kind?: unknown; name?: unknown }
    const count = (seen.get(String(kind)) ?? 0) + 1
    seen.set(String(kind), count)
    return String(name ?? (count === 1 ? kind : `${String(kind)}-${count}`))
  })
}

/** By name; else by kind, when one stage alone is of that kind. */
function stageIndex(stages: readonly unknown[], key: string): number | undefined {
  const byName = stageNames(stages).indexOf(key)
  if (byName >= 0) return byName
  const ofKind = [...stages.keys()].filter((index) => (stages[index] as { kind?: unknown } | null)?.kind === key)
  return ofKind.length === 1 ? ofKind[0] : undefined
}

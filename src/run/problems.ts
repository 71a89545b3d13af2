/**
 * What is wrong with a recipe, in sentences a person can act on: where (line and key), what was expected, what was found, and the known
 * word that was probably meant. zod finds the problems; its own wording is the last resort.
 */
import { z } from 'zod'
import { UserError } from './errors.ts'
import { nearest } from './nearest.ts'
import { keysAt } from './schema.ts'

type Key = PropertyKey
type Issue = z.core.$ZodIssue

export interface Problem {
  /** Where in the recipe: `['stages', 2, 'steps']`. */
  path: Key[]
  en: string
  zh: string
}

/** All problems of one recipe; `message` lists them. Nothing was written. */
export class RecipeError extends UserError {
  readonly problems: readonly Problem[]

  /** `place` says where a problem lies: `recipes/a.yaml:12`. */
  constructor(problems: readonly Problem[], place: (path: readonly Key[]) => string) {
    const list = (language: 'en' | 'zh') =>
      problems
        .map((problem) => [place(problem.path), keyOf(problem.path), problem[language]].filter(Boolean).join(': '))
        .join('\n')
    super(list('en'), list('zh'))
    this.name = 'RecipeError'
    this.problems = problems
  }
}

/** `stages.2.steps` */
export const keyOf = (path: readonly Key[]) => path.map(String).join('.')

/** A word that is not known, with the nearest that is, or else all that are. */
export function unknownWord(
  path: Key[],
  what: { en: string; zh: string },
  word: string,
  known: readonly string[],
): Problem {
  const meant = nearest(word, known)
  const all = known.join(', ')
  const en = meant ? `did you mean "${meant}"?` : `known: ${all || 'none'}`
  const zh = meant ? `是不是想写 "${meant}"？` : `可用的有：${all || '无'}`
  return { path, en: `unknown ${what.en} "${word}"; ${en}`, zh: `不认识的${what.zh} "${word}"；${zh}` }
}

/** Says zod's issues about `value` in words. `prefix` is where the value lies in the recipe, `more` are keys allowed beside its own. */
export function problemsOf(
  issues: readonly Issue[],
  schema: z.ZodType,
  value: unknown,
  prefix: Key[],
  more: string[] = [],
): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path]
    const found = at(value, issue.path)
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = [...keysAt(schema, issue.path), ...(issue.path.length === 0 ? more : [])]
        return issue.keys.map((key) =>
          known.includes(key)
            ? { path: [...path, key], en: 'does not go with the other keys here', zh: '不能和这里的其他键一起写' }
            : unknownWord([...path, key], { en: 'key', zh: '键' }, key, known),
        )
      }
      case 'invalid_type': {
        if (found === undefined)
          return { path, en: `is missing; expected ${issue.expected}`, zh: `缺少这一项，应为${typeZh(issue.expected)}` }
        return expected(path, issue.expected, typeZh(issue.expected), found)
      }
      case 'invalid_value': {
        const known = issue.values.map(String)
        const meant = typeof found === 'string' ? nearest(found, known) : undefined
        const hint = meant ? { en: `; did you mean "${meant}"?`, zh: `；是不是想写 "${meant}"？` } : { en: '', zh: '' }
        const problem = expected(path, `one of ${known.join(', ')}`, `以下之一：${known.join('、')}`, found)
        return { path, en: problem.en + hint.en, zh: problem.zh + hint.zh }
      }
      case 'too_small':
        return bound(
          path,
          issue.origin,
          issue.inclusive === false ? 'more than' : 'at least',
          Number(issue.minimum),
          found,
        )
      case 'too_big':
        return bound(
          path,
          issue.origin,
          issue.inclusive === false ? 'less than' : 'at most',
          Number(issue.maximum),
          found,
        )
      case 'invalid_union': {
        // The variant that went wrong deepest, and in the fewest keys, is the one that was meant.
        const wrong = (errors: readonly Issue[]) =>
          errors.reduce((sum, error) => sum + (error.code === 'unrecognized_keys' ? error.keys.length : 1), 0)
        const deepest = issue.errors
          .filter((errors) => errors.every((error) => error.path.length > 0 || error.code === 'unrecognized_keys'))
          .sort((a, b) => wrong(a) - wrong(b))[0]
        if (deepest)
          return problemsOf(
            deepest.map((error) => ({ ...error, path: [...issue.path, ...error.path] })),
            schema,
            value,
            prefix,
          )
        const types = issue.errors.flat().flatMap((error) => (error.code === 'invalid_type' ? [error.expected] : []))
        return expected(path, types.join(' or ') || 'something else', types.map(typeZh).join('或') || '另一种值', found)
      }
      default:
        return {
          path,
          en: issue.message,
          zh: inChinese({ ...issue, input: found } as z.core.$ZodRawIssue) ?? issue.message,
        }
    }
  })
}

function expected(path: Key[], en: string, zh: string, found: unknown): Problem {
  const shown = JSON.stringify(found) ?? 'nothing'
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown
  return { path, en: `expected ${en}, found ${short}`, zh: `应为${zh}，现在是 ${short}` }
}

const BOUNDS = { 'more than': '大于', 'at least': '不小于', 'less than': '小于', 'at most': '不大于' }

function bound(path: Key[], origin: string, relation: keyof typeof BOUNDS, limit: number, found: unknown): Problem {
  const lengthy = origin === 'string' || origin === 'array'
  const of = { en: lengthy ? `a length of ` : '', zh: lengthy ? '长度' : '' }
  return expected(path, `${of.en}${relation} ${limit}`, `${of.zh}${BOUNDS[relation]} ${limit}`, found)
}

const TYPES: Record<string, string> = {
  number: '数字',
  int: '整数',
  string: '文字',
  boolean: ' true 或 false',
  array: '列表',
  object: '一组键值',
  record: '一组键值',
}
const typeZh = (type: string) => TYPES[type] ?? ` ${type}`

const chinese = z.locales.zhCN()
function inChinese(issue: z.core.$ZodRawIssue): string | undefined {
  const said = chinese.localeError(issue)
  return typeof said === 'string' ? said : said?.message
}

function at(value: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>((part, key) => (part as Record<Key, unknown> | null | undefined)?.[key], value)
}

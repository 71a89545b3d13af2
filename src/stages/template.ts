/**
 * Chat templates in Jinja, rendered by @huggingface/jinja. Its own `Template.render` tells templates the date of today: here nothing depends on
 * the clock, so the environment is set up by hand, with the date that Llama 3's templates fall back to. A template is a program of a
 * stranger's: it gets so many steps and characters, and is refused beyond.
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja'
import type { ChatTemplate } from '../tokenizer/index.ts'

/** Nodes evaluated and items walked for one dialogue: seconds, and some hundred times what published templates take for a long one. */
const MOST_STEPS = 1_000_000
/** Characters of a text, items of a list. */
const MOST_SIZE = { text: 1 << 24, list: 1 << 17 }
/** Characters that are copied in the time of a step; an item of a list takes a step to make, and sixteen to walk. */
const COPIED = 256
const WALK = 16
/** What only names a value makes none. */
const NAMES = new Set(['Identifier', 'MemberExpression'])

const range = (first: number, second?: number, step = 1): number[] => {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  if (!(Math.abs((stop - start) / step) <= MOST_SIZE.list))
    throw new Error(`range(${start}, ${stop}, ${step}) is too long`)
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step)
}

const globals: [name: string, value: unknown][] = [
  ...[true, false].flatMap((value): [string, unknown][] => [
    [String(value), value],
    [value ? 'True' : 'False', value],
  ]),
  ['none', null],
  ['None', null],
  ['range', range],
  ['strftime_now', () => '26 Jul 2024'],
  [
    'raise_exception',
    (message: string) => {
      throw new Error(message)
    },
  ],
]

interface Statement {
  type: string
  iterable?: Statement & { lhs?: Statement }
}

/** The interpreter's types are not found by TypeScript's rules for packages: it is `any` to it. */
class BoundedInterpreter extends (Interpreter as new (env: Environment) => {
  evaluate(statement: Statement, env: Environment): { value?: unknown }
  run(program: unknown): { value: unknown }
}) {
  private steps = 0
  /** What loops walk along. */
  private readonly walked = new WeakSet<Statement>()

  override evaluate(statement: Statement, env: Environment): { value?: unknown } {
    if (statement?.type === 'For')
      for (const node of [statement.iterable, statement.iterable?.lhs]) if (node) this.walked.add(node)
    this.spend(1)
    const result = super.evaluate(statement, env)
    const { value } = result
    if (typeof value === 'string') this.weigh(value.length, MOST_SIZE.text, 1 / COPIED)
    const items = Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0
    const cost = this.walked.has(statement) ? WALK : NAMES.has(statement.type) ? 1 / COPIED : 1
    this.weigh(items, MOST_SIZE.list, cost)
    return result
  }

  private weigh(size: number, most: number, steps: number): void {
    if (size > most) throw new Error(`it makes a text or list of more than ${most} characters or items`)
    this.spend(size * steps)
  }

  private spend(steps: number): void {
    this.steps += steps
    if (this.steps > MOST_STEPS) throw new Error(`it does not end: more than ${MOST_STEPS} steps`)
  }
}

/** `names`: `bos_token` and so on, as texts. Throws an Error where the source is no Jinja, or a template refuses a dialogue. */
export function templateOf(source: string, names: Record<string, string>): ChatTemplate {
  const { parsed } = new Template(source)
  return {
    source,
    render(messages, generationPrompt) {
      const env = new Environment()
      const given = { ...names, messages: [...messages], add_generation_prompt: generationPrompt }
      for (const [name, value] of [...globals, ...Object.entries(given)]) env.set(name, value)
      return String(new BoundedInterpreter(env).run(parsed).value)
    },
  }
}

/**
 * Chat templates in Jinja, rendered by @huggingface/jinja. Its own `Template.render` tells templates the date of today: here nothing depends on
 * the clock, so the environment is set up by hand, with the date that Llama 3's templates fall back to.
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja'
import type { ChatTemplate } from '../tokenizer/index.ts'

const range = (first: number, second?: number, step = 1): number[] => {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
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

/** `names`: `bos_token` and so on, as texts. Throws an Error where the source is no Jinja, or a template refuses a dialogue. */
export function templateOf(source: string, names: Record<string, string>): ChatTemplate {
  const { parsed } = new Template(source)
  return {
    source,
    render(messages, generationPrompt) {
      const env = new Environment()
      const given = { ...names, messages: [...messages], add_generation_prompt: generationPrompt }
      for (const [name, value] of [...globals, ...Object.entries(given)]) env.set(name, value)
      return String((new Interpreter(env).run(parsed) as { value: unknown }).value)
    },
  }
}

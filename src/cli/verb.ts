/** What a verb of the command line is. Exit codes: 0 done, 1 failed, 2 usage. */
import type { z } from 'zod'
import type { Sentence } from './language.ts'

export interface Verb<Flags extends z.ZodObject = z.ZodObject> {
  name: string
  /** What stands after the name in the help: `<recipe>`. */
  operands: string
  summary: Sentence
  flags: Flags
  run(operands: string[], flags: z.infer<Flags>): Promise<number>
}

/** A verb with verbs of its own: `xueba corpus extract`. */
export interface Group {
  name: string
  summary: Sentence
  verbs: readonly Verb[]
  /** What the name alone does; without it, the help. */
  alone?: Verb
}

/** Keeps the flags' types inside a verb, and lets verbs of all flags lie in one list. */
export function verb<Flags extends z.ZodObject>(definition: Verb<Flags>): Verb {
  return definition as unknown as Verb
}

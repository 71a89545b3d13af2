/** Errors as a person reads them: a sentence in the reader's language, or nothing where it is a mistake of ours. */
import { explainFull, UserError } from '../run/index.ts'
import { UsageError } from './flags.ts'
import { say } from './language.ts'

/** Undefined for an error that nobody foresaw: then the stack is of more use. */
export function sentenceOf(thrown: unknown): string | undefined {
  const path = thrown instanceof Error && 'path' in thrown ? String(thrown.path) : undefined
  const error = explainFull(thrown, path ?? 'a file', path ?? '文件')
  if (error instanceof UserError) return `xueba: ${say({ en: error.message, zh: error.zh })}`
  return error instanceof UsageError ? `xueba: ${error.message}` : undefined
}

/** 2 for a mistake in the command or the recipe, else 1. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || (error instanceof UserError && error.name === 'RecipeError') ? 2 : 1
}

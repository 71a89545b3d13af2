/** What can be done with a run next, as commands to copy. */
import { isAbsolute, relative } from 'node:path'
import { commandName } from '../../run/index.ts'
import type { ReportCard } from './card.ts'
import { type Heading, wordsOf } from './words.ts'

export interface Command {
  command: string
  says: string
}

export function commandsOf({ language, stages, finished }: ReportCard, run: string): Command[] {
  const at = typed(run)
  const name = commandName()
  const done = (kind: string) => stages.some((stage) => stage.kind === kind && stage.model)
  const all: [wanted: boolean, command: string, says: Heading][] = [
    [stages.some(({ model }) => model), `${name} chat ${at}`, 'talk'],
    [done('pretrain') && (done('sft') || done('rl')), `${name} chat ${at} --stage base`, 'talkBase'],
    [stages.some(({ model }) => model), `${name} score ${at} TEXT.txt`, 'score'],
    [stages.some(({ model }) => model), `${name} export ${at} --format gguf`, 'export'],
    [!finished, `${name} run --resume --out ${at}`, 'resume'],
    [true, `${name} run ${typed(`${run}/recipe.yaml`)} --out ${typed(`${run}-2`)} --fresh`, 'again'],
    [true, `${name} report ${at}`, 'renew'],
  ]
  const word = wordsOf(language)
  return all.filter(([wanted]) => wanted).map(([, command, says]) => ({ command, says: word(says) }))
}

/** A path as one would type it here: relative where it lies below the working directory, quoted where it must be. */
function typed(path: string): string {
  const near = relative(process.cwd(), path)
  const shown = near === '' ? '.' : near.startsWith('..') || isAbsolute(near) ? path : near
  return /^[\w./\\:@%+=~-]+$/.test(shown) || /^[\p{L}\p{N}./_-]+$/u.test(shown)
    ? shown
    : `'${shown.replaceAll("'", `'\\''`)}'`
}

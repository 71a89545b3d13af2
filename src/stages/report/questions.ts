/**
 * What a report asks every model of a run: a greeting, who it is, two facts of the embedded world when the run read about it (one
 * that dialogues taught, one that was only ever read), an exercise that training held back, and the opening of a story. Facts and
 * exercises have a right answer and are marked; nothing else is.
 */
import { type Task, type TaskSpec, taskSchema } from '../../tasks/index.ts'
import { openTask } from '../../tasks/open.node.ts'
import { essays, makeQuestions, makeWorld, matches } from '../../world/index.ts'
import type { Language } from '../stage.ts'

export interface ReportQuestion {
  question: string
  /** The right answer, and who marks: both or neither. */
  expected?: string
  isRight?(answer: string): boolean
}

const TALK: Record<Language, [greeting: string, self: string, story: string]> = {
  zh: ['你好！', '你是谁？', '从前，有一个'],
  en: ['Hello!', 'Who are you?', 'Once upon a time there was'],
}

/** Questions of a recipe's own have no right answer, unless they are exercises or facts that the run knows. */
export async function questionsOf(
  recipe: Record<string, unknown>,
  { language, seed }: { language: Language; seed: number },
  own?: readonly string[],
): Promise<ReportQuestion[]> {
  const marked = [...factQuestions(recipe, language, seed), ...(await exerciseQuestions(recipe, language, seed))]
  const [greeting, self, story] = TALK[language]
  const essay = valuesBelow(recipe.stages, 'world').includes('essays')
    ? essays(makeWorld({ language, seed })).test(1, seed)
    : []
  const suitable = [...marked.map(({ question }) => question), ...essay.map(({ prompt }) => prompt)]
  const asked = own ?? [greeting, self, ...suitable, story]
  return asked.map((question) => marked.find((known) => known.question === question) ?? { question })
}

/** One fact of each half of the world, if a stage of the recipe reads or talks about the world. */
function factQuestions(recipe: Record<string, unknown>, language: Language, seed: number): ReportQuestion[] {
  if (valuesBelow(recipe.stages, 'world').length === 0) return []
  const all = makeQuestions(makeWorld({ language, seed }), seed)
  return (['taught', 'untaught'] as const).flatMap((group) => {
    const found = all.find((question) => question.group === group)
    if (!found) return []
    return [{ question: found.question, expected: found.answers[0]!, isRight: (text: string) => matches(found, text) }]
  })
}

/** One held-out problem of the first task that the recipe names, or of adding two-digit numbers. */
async function exerciseQuestions(
  recipe: Record<string, unknown>,
  language: Language,
  seed: number,
): Promise<ReportQuestion[]> {
  const specs = valuesBelow(recipe.stages, 'task').flatMap((value) => taskSchema.safeParse(value).data ?? [])
  const task = await firstTask([...specs, { name: 'arithmetic', digits: 2, operations: ['+'] }], language)
  return task.test(1, seed).map((exercise) => ({
    question: exercise.prompt,
    expected: exercise.answer,
    isRight: (text: string) => task.correct(exercise, text),
  }))
}

/** A task whose data file is gone, or which holds nothing back, is passed over. */
async function firstTask(specs: readonly TaskSpec[], language: Language): Promise<Task> {
  for (const spec of specs) {
    const task = (await openTask(spec, language).catch(() => undefined))?.task
    if (task && holdsBack(task)) return task
  }
  throw new Error('adding numbers is always possible')
}

function holdsBack(task: Task): boolean {
  try {
    return task.test(1, 0).length === 1
  } catch {
    return false
  }
}

/** Every value under a key of this name, in order, however deep. */
function valuesBelow(value: unknown, key: string): unknown[] {
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, part]) => [...(name === key ? [part] : []), ...valuesBelow(part, key)])
}

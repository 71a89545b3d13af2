/** xueba lesson: the ideas of language-model training that no stage shows by itself, on small numbers and on the model of a run. */
import { join } from 'node:path'
import { listRuns, UserError } from '../run/index.ts'
import { UsageError } from './flags.ts'
import { say, type Sentence } from './language.ts'
import { lessonFlags, type LessonFlags } from './lessons/flags.ts'
import { housePrice } from './lessons/house-price.ts'
import { memory } from './lessons/memory.ts'
import { randomness } from './lessons/randomness.ts'
import { scale } from './lessons/scale.ts'
import { verb } from './verb.ts'

interface Lesson {
  summary: Sentence
  /** `run` is what was named, or the latest run below runs/. */
  give(run: () => Promise<string>, flags: LessonFlags): Promise<void>
}

const lessons: Record<string, Lesson> = {
  'house-price': {
    summary: { en: 'what training is, with two parameters', zh: '训练是怎么回事：从两个参数说起' },
    give: (_, flags) => housePrice(flags),
  },
  randomness: {
    summary: { en: 'one question, many answers; the tired model', zh: '同一个问题，许多种回答；算累了的模型' },
    give: async (run, flags) => randomness(await run(), flags),
  },
  memory: {
    summary: { en: 'what is left of the books in the weights', zh: '书读完了，参数里还剩下什么' },
    give: async (run, flags) => memory(await run(), flags),
  },
  scale: {
    summary: { en: 'this corpus, a lifetime of reading, FineWeb', zh: '这点语料、一辈子的阅读量、FineWeb，差多少' },
    give: async (run, flags) => scale(await run(), flags),
  },
}

const list = () =>
  Object.entries(lessons)
    .map(([name, { summary }]) => `  ${name.padEnd(12)} ${say(summary)}`)
    .join('\n')

export const lesson = verb({
  name: 'lesson',
  operands: `<${Object.keys(lessons).join('|')}> [run]`,
  summary: { en: 'short lessons: what training is, chance, memory, scale', zh: '几堂小课：训练、随机、记忆、规模' },
  flags: lessonFlags,
  async run([name, target, ...rest], given) {
    if (name === undefined) {
      console.log(say({ en: 'Lessons (xueba lesson <name> [run]):', zh: '小课（xueba lesson <名字> [运行目录]）：' }))
      console.log(list())
      return 0
    }
    const chosen = Object.hasOwn(lessons, name) ? lessons[name] : undefined
    if (!chosen || rest.length > 0)
      throw new UsageError(
        say({ en: `there is no lesson "${name}"; there are:`, zh: `没有“${name}”这堂课，现有：` }) + `\n${list()}`,
      )
    await chosen.give(() => latest(target), given)
    return 0
  },
})

async function latest(target: string | undefined): Promise<string> {
  const [run] = target === undefined ? await listRuns(join(process.cwd(), 'runs')) : [target]
  if (run !== undefined) return run
  throw new UserError(
    'this lesson needs a model, and there is no run below runs/ yet: train one first (npm start, or xueba run tiny)',
    '这堂课要用到模型，而 runs/ 里还没有：请先训练一个（npm start，或者 xueba run tiny）',
  )
}

/** xueba start, which is `npm start`: the quickstart from zero to one, then a chat with its model. */
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { isRun, readRun } from '../run/index.ts'
import { talk } from './chat.ts'
import { help } from './flags.ts'
import { language, say } from './language.ts'
import { prepareRun } from './run.ts'
import { watchTrainer } from './start-trainer.ts'
import { openBrowser, studioIfBuilt } from './studio.ts'
import { verb } from './verb.ts'

export const start = verb({
  name: 'start',
  operands: '',
  summary: {
    en: 'from zero to one: trains the quickstart, then you talk with it',
    zh: '从零到一：训练一个小模型，然后和它聊天',
  },
  flags: z.object({
    minutes: help(
      z.number().positive().optional(),
      'train about this long on this machine',
      '在这台机器上大约训练多少分钟',
    ),
    seed: help(z.number().int().nonnegative().optional(), 'seed of all randomness', '随机种子'),
    out: help(
      z.string().optional(),
      'run directory (default runs/quickstart-<language>)',
      '运行目录（默认 runs/quickstart-<语言>）',
    ),
  }),
  async run(_, { minutes, seed, out }) {
    const lang = language()
    const folder = resolve(out ?? join('runs', `quickstart-${lang}`))
    const done = isRun(folder) && (await readRun(folder)).stages.every((s) => s.manifest)
    if (!done) {
      console.log(
        say({
          en: 'A model with random weights is about to read, study and practise, in front of your eyes.',
          zh: '一个参数全是随机数的模型，马上要在你眼前读书、看例题、刷题。',
        }),
      )
      if (!isRun(folder)) await prepareRun('quickstart', { minutes, seed, out: folder, lang })
      else if (minutes !== undefined || seed !== undefined)
        console.log(
          say({
            en: `going on with the run in ${folder} as it was begun; --minutes and --seed are for a new one (--out)`,
            zh: `接着 ${folder} 里已经开始的运行，不改它的设置；--minutes 和 --seed 只对新的运行有用（用 --out 另选目录）`,
          }),
        )
    }
    const terminal = process.stdin.isTTY && process.stdout.isTTY
    const studio = terminal ? await studioIfBuilt(dirname(folder)) : undefined
    try {
      if (studio) showStudio(studio.url, folder)
      const code = done ? 0 : await watchTrainer(folder)
      if (code !== 0) return code
      console.log(say({ en: `report: ${join(folder, 'report.html')}`, zh: `成绩单：${join(folder, 'report.html')}` }))
      return terminal ? await talk(folder, {}) : 0
    } finally {
      await studio?.close()
    }
  },
})

/** The page of a run; where there is a desktop it opens by itself. */
function showStudio(url: string, folder: string): void {
  const page = `${url}/map?run=${encodeURIComponent(basename(folder))}&lang=${language()}`
  console.log(say({ en: `see it in the browser: ${page}`, zh: `在浏览器里看：${page}` }))
  openBrowser(page)
}

/** xueba studio: the runs of a folder in the browser, until Ctrl-C. Trainers that it started go on without it. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import { isStudioBuilt, openStudio, type StudioServer } from '../server/index.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { prepareRun } from './run.ts'
import { launchTrainer } from './start-trainer.ts'
import { verb } from './verb.ts'

const PORT = 5170

export const studio = verb({
  name: 'studio',
  operands: '',
  summary: { en: 'see and touch every stage in the browser', zh: '在浏览器里看每个阶段、动手试每个阶段' },
  flags: z.object({
    port: help(
      z.number().int().min(0).max(65535).default(PORT),
      'port; 0 = any that is free',
      '端口；0 表示任选一个空闲的',
    ),
    host: help(
      z.string().min(1).default('127.0.0.1'),
      'address to listen on; any but this machine’s own gets a token, which the printed link carries',
      '监听哪个地址；别的机器也能访问时会自动加上令牌，打印出来的链接里带着它',
    ),
    runs: help(z.string().min(1).default('runs'), 'folder of the runs', '运行所在的文件夹'),
    open: help(z.boolean().default(false), 'open it in the browser', '顺便在浏览器里打开'),
  }),
  async run(words, { port, host, runs, open }) {
    if (words.length > 0)
      throw new UsageError(
        say({ en: `what is "${words[0]}"? (xueba studio)`, zh: `“${words[0]}”是什么？（xueba studio）` }),
      )
    if (!isStudioBuilt())
      throw new UserError('the studio is not built (node xueba.mjs build)', '工作室还没有构建（node xueba.mjs build）')
    const server = await startStudio({ runs, host, port })
    console.log(say({ en: `studio: ${server.url}   (Ctrl-C ends)`, zh: `工作室：${server.url}   （按 Ctrl-C 结束）` }))
    if (open) openBrowser(server.url)
    await new Promise<void>((done) => {
      process.once('SIGINT', () => done())
      process.once('SIGTERM', () => done())
    })
    await server.close()
    return 0
  },
})

export function startStudio({ runs, host, port }: { runs: string; host: string; port: number }): Promise<StudioServer> {
  return openStudio({
    runs: resolve(runs),
    host,
    port,
    launch: launchTrainer,
    async prepare(folder, { recipe, language, seed, depth, minutes, set }) {
      await prepareRun(recipe, {
        seed,
        depth,
        minutes,
        lang: language,
        out: folder,
        set: set.map(([key, value]) => `${key}=${JSON.stringify(value)}`),
      })
    },
  })
}

/** On the usual port, or on any that is free when that is taken; undefined where there is no page. */
export async function studioIfBuilt(runs: string): Promise<StudioServer | undefined> {
  if (!isStudioBuilt()) return undefined
  const at = { runs, host: '127.0.0.1' }
  return startStudio({ ...at, port: PORT }).catch(() => startStudio({ ...at, port: 0 }))
}

/** Asks the desktop to show a page; where there is none, nothing happens: the link was printed. */
export function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return
  const child = spawn(command!, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

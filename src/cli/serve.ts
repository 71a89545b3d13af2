/** xueba serve: a model behind OpenAI's API, until Ctrl-C. */
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import { openServer } from '../server/index.ts'
import { goesOn, loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { openEngine } from '../tensor/open.node.ts'
import { help, UsageError, weightsFlag } from './flags.ts'
import { say } from './language.ts'
import { findModel, STAGES } from '../library/find-model.ts'
import { verb } from './verb.ts'

export const serve = verb({
  name: 'serve',
  operands: '<run|model>',
  summary: { en: "a model behind OpenAI's API", zh: '把模型变成兼容 OpenAI 接口的服务' },
  flags: z.object({
    stage: help(
      z.enum(STAGES).optional(),
      'model of which stage (default: the latest)',
      '用哪个阶段的模型（默认最新的）',
    ),
    host: help(
      z.string().min(1).default('127.0.0.1'),
      'address to listen on; any but this machine’s own needs an API key',
      '监听哪个地址；如果别的机器也能访问，就必须设置 API 密钥',
    ),
    port: help(
      z.number().int().min(0).max(65535).default(8000),
      'port; 0 = any that is free',
      '端口；0 表示任选一个空闲的',
    ),
    apiKeyFile: help(
      z.string().optional(),
      'file with the API key (or the variable XUEBA_API_KEY; a flag would show in the list of processes)',
      '存放 API 密钥的文件（也可用环境变量 XUEBA_API_KEY；直接写在命令行里会被进程列表看到）',
    ),
    allowOrigin: help(
      z.array(z.string()).optional(),
      'origin of web pages that may ask; * = all. May be repeated',
      '允许哪些网页来源访问；* 表示全部。可重复',
    ),
    queue: help(
      z.number().int().min(0).max(100_000).default(256),
      'answers that may wait; more get status 429',
      '最多排队多少个回答，超出的返回 429',
    ),
    weights: weightsFlag,
    timeout: help(z.number().positive().max(86_400).default(300), 'seconds an answer may take', '一个回答最多用多少秒'),
  }),
  async run([target, ...rest], flags) {
    if (!target || rest.length > 0)
      throw new UsageError(
        say({
          en: 'which run or model? (xueba serve runs/tiny)',
          zh: '为哪个运行或模型提供服务？（xueba serve runs/tiny）',
        }),
      )
    const apiKey = await readKey(flags.apiKeyFile)
    const { folder, kind } = await findModel(target, flags.stage)
    const engine = await openEngine()
    try {
      const tokenizer = await loadTokenizer(folder)
      const model = await loadModel(engine, folder, { trainable: false, weights: flags.weights })
      const { host, port, queue, timeout, allowOrigin: origins = [] } = flags
      const id = basename(resolve(target))
      const server = await openServer(model, tokenizer, {
        id,
        chats: !goesOn(kind, tokenizer),
        host,
        port,
        apiKey,
        origins,
        queue,
        timeout,
      })
      console.log(
        say({
          en: `${id}: ${server.url}/v1 (${server.slots} answers at a time, ${apiKey === null ? 'no API key' : 'with an API key'}). Ctrl-C ends.`,
          zh: `${id}：${server.url}/v1（同时最多 ${server.slots} 个回答，${apiKey === null ? '不需要' : '需要'} API 密钥）。按 Ctrl-C 结束。`,
        }),
      )
      await asked()
      console.error(
        say({
          en: 'Finishing what runs; once more breaks it off.',
          zh: '正在等进行中的回答结束；再按一次立即中断。',
        }),
      )
      void asked().then(() => server.abort())
      await server.close()
      return 0
    } finally {
      await engine.close()
    }
  },
})

/** Resolves at the next SIGINT or SIGTERM. */
function asked(): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      process.off('SIGINT', end)
      process.off('SIGTERM', end)
      done()
    }
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
  })
}

/** From the file, else from the variable; null where there is neither. */
async function readKey(file: string | undefined): Promise<string | null> {
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error: unknown) => {
      throw new UserError(`${path} cannot be read: ${String(error)}`, `读不了 ${path}：${String(error)}`)
    })
  const key = file === undefined ? process.env.XUEBA_API_KEY : (await read(file)).trim()
  if (key === undefined || (file === undefined && key === '')) return null
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new UserError(
    `the API key (${file ?? 'XUEBA_API_KEY'}) must be one line of visible ASCII characters without spaces`,
    `API 密钥（${file ?? 'XUEBA_API_KEY'}）必须是一行可见的 ASCII 字符，不含空格`,
  )
}

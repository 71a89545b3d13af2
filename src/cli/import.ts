/** xueba import: a model of somebody else's, from a folder or from the Hugging Face Hub. */
import { basename, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { importModel } from '../import/index.ts'
import { modelType } from '../nn/index.ts'
import { formatCount } from '../stages/report/format.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { verb } from './verb.ts'

export const importVerb = verb({
  name: 'import',
  operands: '<folder|name>',
  summary: {
    en: "a model of somebody else's (Qwen3, Qwen2, Llama 3), from a folder or the Hugging Face Hub",
    zh: '导入别人的模型（Qwen3、Qwen2、Llama 3）：从文件夹，或从 Hugging Face Hub 下载',
  },
  flags: z.object({
    out: help(z.string().optional(), 'folder to write (default: models/NAME)', '写到哪个文件夹（默认 models/名字）'),
    revision: help(
      z.string().min(1).default('main'),
      'branch, tag or commit, of a model by name',
      '按名字下载时：分支、标签或提交',
    ),
  }),
  async run([source, ...rest], { out, revision }) {
    if (!source || rest.length > 0)
      throw new UsageError(say({ en: 'xueba import <folder|name>', zh: 'xueba import <文件夹|名字>' }))
    const place = out ?? join('models', basename(resolve(source)))
    const { config, parameters, chats, known } = await importModel(source, {
      out: place,
      revision,
      onProgress: shown(),
    })
    const [en, zh] = [formatCount(parameters, 'en'), formatCount(parameters, 'zh')]
    const below = relative('', place)
    const folder = below === '' || below.startsWith('..') ? place : below
    const layers = config.layers === 1 ? 'layer' : 'layers'
    console.log(
      say({
        en: `${folder}: ${modelType(config)}, ${en} parameters, ${config.layers} ${layers}${chats ? '' : ', no chat template: it goes on with a text'}${known ? ' (was there already)' : ''}`,
        zh: `${folder}：${modelType(config)}，${zh}参数，${config.layers} 层${chats ? '' : '，没有对话模板：只会接着往下写'}${known ? '（本来就有了）' : ''}`,
      }),
    )
    console.log(say({ en: `Talk with it: xueba chat ${folder}`, zh: `和它聊聊：xueba chat ${folder} --lang zh` }))
    return 0
  },
})

/** A line that is rewritten, on a terminal; elsewhere a line a file. */
function shown() {
  let [last, then] = ['', 0]
  return (file: string, bytes: number, size: number) => {
    const whole = bytes === size
    const line = `${file}: ${(bytes / 1e6).toFixed(1)} / ${(size / 1e6).toFixed(1)} MB`
    if (process.stderr.isTTY) {
      if (file === last && !whole && performance.now() - then < 200) return
      ;[last, then] = [file, performance.now()]
      process.stderr.write(`\r\u001b[K${line}${whole ? '\n' : ''}`)
    } else if (whole) console.error(line)
  }
}

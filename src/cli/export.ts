/** xueba export: a model for other programs: a Hugging Face folder, or a GGUF file for llama.cpp and Ollama. */
import { statSync } from 'node:fs'
import { relative } from 'node:path'
import { z } from 'zod'
import { defaultPlace, exportGguf, exportHuggingFace, huggingFaceTypes, originOf } from '../export/index.ts'
import { ggmlTypes } from '../formats/index.ts'
import { help, UsageError } from './flags.ts'
import { language, say } from './language.ts'
import { findModel, STAGES } from '../library/find-model.ts'
import { verb } from './verb.ts'

export const exportModel = verb({
  name: 'export',
  operands: '<run|model>',
  summary: {
    en: 'a model for other programs: a Hugging Face folder or a GGUF file',
    zh: '把模型导出给别的程序用：Hugging Face 文件夹或 GGUF 文件',
  },
  flags: z.object({
    format: help(
      z.enum(['hf', 'gguf']).default('hf'),
      'a Hugging Face folder (transformers, vLLM), or a file for llama.cpp and Ollama',
      'Hugging Face 文件夹（transformers、vLLM），或给 llama.cpp、Ollama 的文件',
    ),
    type: help(
      z.enum(ggmlTypes).default('f32'),
      'how weights are stored; the q types only in gguf',
      '权重怎么存；q 开头的只能用于 gguf',
    ),
    stage: help(
      z.enum(STAGES).optional(),
      'model of which stage (default: the latest)',
      '用哪个阶段的模型（默认最新的）',
    ),
    out: help(z.string().optional(), 'where to (default: beside the run)', '写到哪里（默认放在运行目录旁边）'),
    adapter: help(
      z.string().optional(),
      'folder of a LoRA adapter (PEFT) to merge into the weights first',
      '先把这个文件夹里的 LoRA 适配器（PEFT 格式）并入权重',
    ),
    force: help(
      z.boolean().default(false),
      'even where something else is: a file is replaced, a folder moved aside to NAME.old',
      '那里有别的东西也照写：文件会被替换，文件夹会改名为 NAME.old',
    ),
  }),
  async run([target, ...rest], { format, type, stage, out, adapter, force }) {
    if (!target || rest.length > 0)
      throw new UsageError(say({ en: 'xueba export <run|model>', zh: 'xueba export <运行|模型>' }))
    const { folder } = await findModel(target, stage)
    const origin = await originOf(folder)
    if (format === 'hf') {
      const known = huggingFaceTypes.find((one) => one === type)
      if (!known)
        throw new UsageError(
          say({
            en: `--type ${type} is for --format gguf; hf takes ${huggingFaceTypes.join(', ')}`,
            zh: `--type ${type} 要配 --format gguf；hf 只能用 ${huggingFaceTypes.join('、')}`,
          }),
        )
      const place = out ?? defaultPlace(folder, origin, 'hf')
      await exportHuggingFace(folder, known, { out: place, force, adapter, language: language() })
      console.log(
        say({ en: `${shown(place)}: ${origin.name} in ${type}`, zh: `${shown(place)}：${origin.name}，${type}` }),
      )
      return 0
    }
    const place = out ?? defaultPlace(folder, origin, type)
    const notQuantised = await exportGguf(folder, type, { out: place, force, adapter })
    const size = (statSync(place).size / 1e6).toFixed(2)
    console.log(
      say({
        en: `${shown(place)}: ${origin.name} in ${type}, ${size} MB`,
        zh: `${shown(place)}：${origin.name}，${type}，${size} MB`,
      }),
    )
    if (notQuantised.length > 0)
      console.log(
        say({
          en: `kept in f16, because their rows are not multiples of 32: ${notQuantised.join(', ')}`,
          zh: `这些矩阵的行长不是 32 的倍数，仍存成 f16：${notQuantised.join('、')}`,
        }),
      )
    return 0
  },
})

const shown = (path: string) => relative('', path) || path

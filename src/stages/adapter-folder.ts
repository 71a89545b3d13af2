/** An adapter on disk, in PEFT's layout: what a stage with `lora` writes beside its model, and what can be merged into one. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readSafetensors, writeFileAtomic, writeSafetensors } from '../formats/index.ts'
import { type Model, peftModules, peftTensors } from '../nn/index.ts'
import { readJson, UserError } from '../run/index.ts'
import type { StoredModel } from './model-folder.ts'

/** Of a stage's folder. */
export const ADAPTER_FOLDER = 'adapter'
const WEIGHTS = 'adapter_model.safetensors'
const CONFIG = 'adapter_config.json'

/** Writes the adapter of a model; `base` names the model that it was learnt on. */
export async function saveAdapter(folder: string, model: Model, base: string): Promise<void> {
  const { options } = model.adapter!
  const tensors = new Map((await peftTensors(model)).map(({ name, ...t }) => [name, { dtype: 'F32' as const, ...t }]))
  await mkdir(folder, { recursive: true })
  await writeFileAtomic(join(folder, WEIGHTS), writeSafetensors(tensors, { format: 'pt' }))
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: options.rank,
    lora_alpha: options.alpha,
    lora_dropout: 0,
    target_modules: peftModules(options),
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    inference_mode: true,
  }
  await writeFileAtomic(join(folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`)
}

/** What a merge needs to know of `adapter_config.json`, and what it cannot do. */
const configSchema = z.object({
  peft_type: z.literal('LORA'),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().optional(),
  use_dora: z.literal(false).optional(),
  fan_in_fan_out: z.literal(false).optional(),
  bias: z.literal('none').optional(),
  rank_pattern: z.record(z.string(), z.never()).optional(),
  alpha_pattern: z.record(z.string(), z.never()).optional(),
})

/**
 * Adds scale · B·A of a PEFT adapter to the weights of a model, in place. The scale is alpha / r, or alpha / √r (rsLoRA). Throws a
 * UserError naming the file and the key or the matrix that does not fit.
 */
export async function mergeAdapter(model: StoredModel, folder: string): Promise<void> {
  const refuse = (file: string, en: string, zh: string) =>
    new UserError(`${join(folder, file)}: ${en}`, `${join(folder, file)}：${zh}`)
  const json = await readJson(join(folder, CONFIG))
  if (json === undefined)
    throw refuse(CONFIG, 'there is no such file: is this a PEFT adapter?', '没有这个文件：这是 PEFT 适配器吗？')
  const config = configSchema.safeParse(json)
  if (!config.success) {
    const [issue] = config.error.issues
    throw refuse(CONFIG, `${issue!.path.join('.')}: ${issue!.message}`, `${issue!.path.join('.')}：${issue!.message}`)
  }
  const { r, lora_alpha: alpha, use_rslora: isRs } = config.data
  const scale = alpha / (isRs ? Math.sqrt(r) : r)
  const bytes = await readFile(join(folder, WEIGHTS)).catch((error: unknown) => {
    throw refuse(WEIGHTS, `cannot be read: ${String(error)}`, `读不了：${String(error)}`)
  })
  const { tensors } = readSafetensors(bytes)
  for (const [name, a] of tensors) {
    const module = /^base_model\.model\.(.+)\.lora_(A|B)\.weight$/.exec(name)
    const weight = module && model.weights.get(`${module[1]}.weight`)
    if (!weight) throw refuse(WEIGHTS, `${name} has no place in this model`, `${name} 在这个模型里没有对应的矩阵`)
    if (module[2] === 'B') continue
    const b = tensors.get(name.replace('.lora_A.', '.lora_B.'))
    const [rows = 0, columns = 0] = weight.shape
    const [rank = 0] = a.shape
    if (!b || a.shape[1] !== columns || b.shape[0] !== rows || b.shape[1] !== rank)
      throw refuse(
        WEIGHTS,
        `${name} is (${a.shape.join(', ')}), its B (${b?.shape.join(', ') ?? 'missing'}); the weight is (${rows}, ${columns})`,
        `${name} 的形状是 (${a.shape.join(', ')})，B 是 (${b?.shape.join(', ') ?? '缺'})，而权重是 (${rows}, ${columns})`,
      )
    addProduct(weight.data, a.data, b.data, { rows, columns, rank, scale })
  }
}

function addProduct(
  weight: Float32Array,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { rows, columns, rank, scale }: { rows: number; columns: number; rank: number; scale: number },
): void {
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++) {
      const factor = scale * b[i * rank + k]!
      for (let j = 0; j < columns; j++) weight[i * columns + j]! += factor * a[k * columns + j]!
    }
}

/** A model of somebody else's as the first stage of a recipe: later stages go on from it. `xueba import` fetches one by its name. */
import { constants, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { dataFile } from '../run/index.ts'
import { checkModel } from './model-check.ts'
import { modelFileNames } from './model-files.ts'
import type { Stage } from './stage.ts'

const schema = z.object({
  model: dataFile().describe('folder of the model: config.json, model.safetensors, tokenizer.json'),
})

export const importStage: Stage<z.infer<typeof schema>> = {
  kind: 'import',
  config: schema,
  async run(context, { model }) {
    for (const file of await modelFileNames(model))
      await copyFile(join(model, file), join(context.folder, file), constants.COPYFILE_FICLONE)
    const { parameters } = await checkModel(context.folder)
    context.emit({ type: 'metric', name: 'parameters', value: parameters })
    return { parameters }
  },
}

/** Which files of a folder make it a model, of ours or of somebody else's. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { WEIGHTS_FILE, WEIGHTS_INDEX, weightFiles } from '../formats/index.ts'
import { UserError } from '../run/index.ts'
import { licences, TEMPLATE_FILE, TOKENIZER_FILES } from './tokenizer-folder.ts'

/** Their names, the weights last. Throws a UserError that names what is wrong with the index. */
export async function modelFileNames(folder: string): Promise<string[]> {
  const beside = ['config.json', 'generation_config.json', ...TOKENIZER_FILES, TEMPLATE_FILE]
  const index = existsSync(join(folder, WEIGHTS_FILE)) ? [] : [WEIGHTS_INDEX]
  const small = [...beside, ...(await licences(folder)), ...index].filter((name) => existsSync(join(folder, name)))
  try {
    return [...small, ...(await weightFiles(folder))]
  } catch (error) {
    const reason = (error as Error).message
    throw new UserError(`${reason}`, `权重的索引文件有问题：${reason}`, { cause: error })
  }
}

/** xueba/import: a model of somebody else's, from a folder or by its name on the Hugging Face Hub, checked before it appears. */
import { existsSync } from 'node:fs'
import { constants, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { EXPORT_FILE } from '../export/index.ts'
import { publishFolder, readJson, UserError, version, writeJson } from '../run/index.ts'
import { checkModel, type ModelFacts } from '../stages/model-check.ts'
import { modelFileNames } from '../stages/model-files.ts'
import {
  download,
  hubManner,
  isHubName,
  type Patience,
  patience as usual,
  readRepository,
  type Repository,
} from '../remote/index.ts'

export { isHubName } from '../remote/index.ts'

export interface ImportOptions {
  /** Folder to write. */
  out: string
  /** Branch, tag or commit, of a model by name. */
  revision: string
  /** Told of every file and how much of it is there, in bytes. */
  onProgress?(file: string, bytes: number, size: number): void
  patience?: Patience
}

export interface Imported extends ModelFacts {
  /** It was there already. */
  known: boolean
}

/**
 * Copies or downloads a model, checks all of it (config, tokenizer, every weight), and lets it appear as a whole. Throws a UserError that says
 * what is wrong with the model, the place or the way there; what was downloaded by then is gone on with next time.
 */
export async function importModel(source: string, options: ImportOptions): Promise<Imported> {
  if (existsSync(source)) return importFolder(resolve(source), options)
  if (isHubName(source)) return importNamed(source, options)
  throw new UserError(
    `${source} is neither a folder nor a name like Qwen/Qwen3-0.6B`,
    `${source} 既不是文件夹，也不是 Qwen/Qwen3-0.6B 这样的名字`,
  )
}

async function importFolder(source: string, { out }: ImportOptions): Promise<Imported> {
  await expectFree(out)
  const model = await checkModel(source)
  const filling = join(dirname(resolve(out)), `.${basename(out)}.${process.pid}.tmp`)
  await rm(filling, { recursive: true, force: true })
  await mkdir(filling, { recursive: true })
  try {
    for (const file of await modelFileNames(source))
      await copyFile(join(source, file), join(filling, file), constants.COPYFILE_FICLONE)
    await publish(filling, out, { source, name: basename(source) }, model)
    return { ...model, known: false }
  } catch (error) {
    await rm(filling, { recursive: true, force: true })
    throw error
  }
}

async function importNamed(name: string, options: ImportOptions): Promise<Imported> {
  const { out, revision, patience = usual, onProgress } = options
  const repository = await readRepository('models', name, revision, patience)
  const earlier = (await readJson(join(out, EXPORT_FILE)).catch(() => undefined)) as { revision?: string } | undefined
  if (earlier?.revision === repository.revision) return { ...(await checkModel(out)), known: true }
  await expectFree(out)
  const filling = join(dirname(resolve(out)), `.${basename(out)}.download`)
  const facts = { source: name, name: basename(name), revision: repository.revision }
  await resumeIn(filling, facts)
  const fetchFile = async (path: string) => {
    const file = repository.files.find((one) => one.path === path)
    if (!file) throw missing(repository, path)
    await download(file, join(filling, path), {
      ...hubManner(patience),
      onProgress: (bytes) => onProgress?.(path, bytes, file.size),
    })
  }
  // What is small comes first: a model that cannot be run is refused before its weights are asked for.
  for (const path of smallFiles(repository)) await fetchFile(path)
  await checkModel(filling, { weights: false })
  for (const path of await modelFileNames(filling)) await fetchFile(path)
  await rm(join(filling, STATE_FILE))
  const model = await checkModel(filling)
  await publish(filling, out, facts, model)
  return { ...model, known: false }
}

const NEEDED = ['config.json', 'tokenizer.json']
const WANTED = /^(generation_config\.json|tokenizer_config\.json|chat_template\.jinja|LICENSE[\w.-]*)$/

function smallFiles(repository: Repository): string[] {
  const paths = repository.files.map(({ path }) => path)
  if (!paths.includes('model.safetensors') && !paths.includes('model.safetensors.index.json'))
    throw missing(repository, 'model.safetensors')
  const index = paths.includes('model.safetensors') ? [] : ['model.safetensors.index.json']
  return [...NEEDED, ...index, ...paths.filter((path) => WANTED.test(path))]
}

const missing = ({ name, revision }: Repository, path: string) =>
  new UserError(
    `${name} at ${revision.slice(0, 12)} has no ${path}`,
    `${name}（版本 ${revision.slice(0, 12)}）里没有 ${path}`,
  )

/** Says which revision a folder of unfinished downloads is of. */
const STATE_FILE = 'download.json'

/** Goes on with a folder of the same revision; one of another is emptied. */
async function resumeIn(filling: string, facts: { source: string; revision: string }): Promise<void> {
  const state = (await readJson(join(filling, STATE_FILE)).catch(() => undefined)) as Partial<typeof facts> | undefined
  if (state?.source === facts.source && state.revision === facts.revision) return
  await rm(filling, { recursive: true, force: true })
  await mkdir(filling, { recursive: true })
  await writeJson(join(filling, STATE_FILE), facts)
}

interface Facts {
  name: string
  source: string
  revision?: string
}

async function publish(filling: string, out: string, facts: Facts, model: ModelFacts): Promise<void> {
  const files = await readdir(filling)
  // Like an export: `kind` tells chat and export whether it goes on writing.
  const kind = model.chats ? 'import' : 'pretrain'
  const content = { format: 'import', xueba: version(), ...facts, kind, files }
  await writeFile(join(filling, EXPORT_FILE), `${JSON.stringify(content, null, 2)}\n`)
  await publishFolder(filling, out)
}

async function expectFree(out: string): Promise<void> {
  if (!existsSync(out) || (await readdir(out).catch(() => ['']))!.length === 0) return
  throw new UserError(
    `${out} is there already: choose another --out, or move it away`,
    `${out} 已经存在：请用 --out 换个地方，或者先把它移走`,
  )
}

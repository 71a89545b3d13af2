/**
 * The tokenizer of a model's folder, and how the model is spoken to. Ours speak ChatML; of a model of somebody else's the chat template is kept
 * and rendered as it is, and what ends an answer is what its generation_config.json (or config.json) says, whatever the tokens are called.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readJson, UserError, writeJson } from '../run/index.ts'
import {
  CHAT_TEMPLATE,
  type ChatTemplate,
  type Manners,
  SPECIAL_TOKENS,
  Tokenizer,
  tokenizerConfig,
} from '../tokenizer/index.ts'
import { templateOf } from './template.ts'

export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const
/** Where newer versions of transformers keep the chat template. */
export const TEMPLATE_FILE = 'chat_template.jinja'
const KEPT_FILES = [...TOKENIZER_FILES, TEMPLATE_FILE]

/** Beside what others know, `xueba_shots` stands here for a model that practised straight from a base model. */
const GENERATION = 'generation_config.json'

/** Throws a UserError that names the file that is missing or wrong. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json')
  try {
    const tokenizer = Tokenizer.fromJson(JSON.parse(await readFile(path, 'utf8')))
    tokenizer.manners = await readManners(folder, tokenizer)
    const { xueba_shots: shots } = await object(join(folder, GENERATION))
    tokenizer.shots = typeof shots === 'number' ? shots : null
    return tokenizer
  } catch (error) {
    if (error instanceof UserError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`${path} cannot be read as part of a model: ${reason}`, `${path} 不是可用的模型文件：${reason}`)
  }
}

/**
 * Whether a model goes on with a text instead of answering: a base model of ours, what practised straight from one, or a model of
 * somebody else's without a chat template.
 */
export const goesOn = (kind: string | undefined, tokenizer: Pick<Tokenizer, 'manners' | 'shots'>): boolean =>
  tokenizer.manners ? tokenizer.manners.template === null : kind === 'pretrain' || tokenizer.shots !== null

/** Throws a UserError for a model that knows no dialogue: it must not be asked, or trained, as if it did. */
export function expectChats({ manners }: Tokenizer): void {
  if (!manners || manners.template) return
  throw new UserError(
    `this model has no chat template, and not the tokens of ours: put its template into ${TEMPLATE_FILE} in its folder`,
    `这个模型没有对话模板，也没有我们的模板要用的词元：请把它的模板写进它文件夹里的 ${TEMPLATE_FILE}`,
  )
}

export async function saveTokenizer(folder: string, tokenizer: Tokenizer): Promise<void> {
  await writeJson(join(folder, 'tokenizer.json'), tokenizer.toJson())
  await writeJson(join(folder, 'tokenizer_config.json'), tokenizerConfig(tokenizer))
}

/** The tokenizer's files and what goes with a model of somebody else's wherever it goes: its chat template and its licence. As they are. */
export async function keptFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  for (const file of [...KEPT_FILES, ...(await licences(folder))])
    if (file === 'tokenizer.json' || existsSync(join(folder, file))) files[file] = await readFile(join(folder, file))
  return files
}

export const licences = async (folder: string) =>
  (await readdir(folder)).filter((name) => /^LICENSE[\w.-]*$/.test(name))

type Json = Record<string, unknown>
const object = async (path: string) => ((await readJson(path)) ?? {}) as Json

/** null: the model speaks our ChatML. */
async function readManners(folder: string, tokenizer: Tokenizer): Promise<Manners | null> {
  const config = await object(join(folder, 'tokenizer_config.json'))
  const source = await readTemplate(folder, config)
  const texts = new Set(tokenizer.vocabulary.special.map(({ text }) => text))
  const knowsChatml = SPECIAL_TOKENS.every((text) => texts.has(text))
  if (knowsChatml && (source === null || source === CHAT_TEMPLATE)) return null
  const names = tokenNames(config)
  const stops = await readStops(folder, tokenizer, names)
  return {
    start: startOf(tokenizer, names, stops),
    stops,
    template: source === null ? null : explained(folder, () => templateOf(source, names)),
  }
}

/** `chat_template` may be one template or a list of named ones, of which `default` is meant. */
async function readTemplate(folder: string, { chat_template: given }: Json): Promise<string | null> {
  const path = join(folder, TEMPLATE_FILE)
  if (existsSync(path)) return readFile(path, 'utf8')
  if (typeof given === 'string') return given
  if (!Array.isArray(given)) return null
  const found = (given as Json[]).find(({ name }) => name === 'default')?.template
  return typeof found === 'string' ? found : null
}

/** `bos_token`, `eos_token` and so on, as texts. */
function tokenNames(config: Json): Record<string, string> {
  const text = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Json).content : value)
  const entries = Object.entries(config)
    .filter(([key]) => key.endsWith('_token'))
    .map(([key, value]) => [key, text(value)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

async function readStops(folder: string, tokenizer: Tokenizer, names: Record<string, string>): Promise<number[]> {
  const known = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < tokenizer.vocabSize
  for (const file of [GENERATION, 'config.json']) {
    const { eos_token_id: given } = await object(join(folder, file))
    const ids = [given].flat().filter((id) => id != null)
    const wrong = ids.find((id) => !known(id))
    if (wrong !== undefined || ids.length > 5) {
      const [key, path] = ['eos_token_id', join(folder, file)]
      throw new UserError(
        `${path}: ${key} is ${JSON.stringify(given)}: expected at most five ids below ${tokenizer.vocabSize}`,
        `${path}：${key} 是 ${JSON.stringify(given)}：应为最多五个小于 ${tokenizer.vocabSize} 的编号`,
      )
    }
    if (ids.length > 0) return ids as number[]
  }
  const { eos_token: end } = names
  if (end !== undefined) return [tokenizer.idOf(end)]
  throw new UserError(
    `${folder}: nothing says what ends a text: eos_token_id in generation_config.json or config.json, or eos_token in tokenizer_config.json`,
    `${folder} 里没有说明文本在哪里结束：需要 generation_config.json 或 config.json 里的 eos_token_id，或 tokenizer_config.json 里的 eos_token`,
  )
}

/** What its own tokenizer puts before a text; else what separates documents, or ends them. */
function startOf(tokenizer: Tokenizer, names: Record<string, string>, stops: readonly number[]): number {
  const { begin, special } = tokenizer.vocabulary
  const idOf = (text: string | undefined) => special.find((token) => token.text === text)?.id
  return begin?.[0] ?? idOf(SPECIAL_TOKENS[0]) ?? idOf(names.bos_token) ?? stops.at(-1)!
}

/** Its errors name the folder. */
function explained(folder: string, make: () => ChatTemplate): ChatTemplate {
  const explain = <T>(body: () => T): T => {
    try {
      return body()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new UserError(
        `the chat template of ${folder} refuses: ${reason}`,
        `${folder} 的对话模板不接受这段对话：${reason}`,
        { cause: error },
      )
    }
  }
  const { source, render } = explain(make)
  return { source, render: (messages, generationPrompt) => explain(() => render(messages, generationPrompt)) }
}

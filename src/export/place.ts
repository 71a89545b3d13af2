/**
 * Where an export goes: a file or a folder that appears whole, and that replaces only what an earlier export left there. With `force`
 * a file of somebody else's is replaced; a folder is moved aside to NAME.old, since there may be anything in it.
 */
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { openAtomic, readGgufHeader } from '../formats/index.ts'
import { publishFolder, readJson, UserError } from '../run/index.ts'
import { XUEBA_KEY } from './gguf.ts'

/** In an exported folder: which files are ours, and where they come from. */
export const EXPORT_FILE = 'xueba.json'

export type Files = AsyncIterable<[name: string, content: Uint8Array]> | Iterable<[name: string, content: Uint8Array]>

/** Writes a folder of these files and `xueba.json`, which holds `facts` and their names. Throws a UserError where it may not. */
export async function placeFolder(
  target: string,
  files: Files,
  facts: Record<string, unknown>,
  { force, source }: { force: boolean; source: string },
): Promise<void> {
  if (isBelow(source, target))
    throw new UserError(
      `${target} holds the model that is to be exported: choose another --out`,
      `${target} 里就是要导出的模型：请用 --out 换个地方`,
    )
  await expectFree(target, await isEarlierFolder(target), force)
  const filling = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`)
  await rm(filling, { recursive: true, force: true })
  await mkdir(filling, { recursive: true })
  try {
    const names: string[] = []
    for await (const [name, content] of files) {
      await writeFile(join(filling, name), content)
      names.push(name)
    }
    await writeFile(join(filling, EXPORT_FILE), `${JSON.stringify({ ...facts, files: names }, null, 2)}\n`)
    if (existsSync(target) && !(await isEarlierFolder(target))) await rename(target, freeName(`${target}.old`))
    await publishFolder(filling, target)
  } catch (error) {
    await rm(filling, { recursive: true, force: true })
    throw error
  }
}

/** Whether a path is a folder or lies in it. */
function isBelow(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path))
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** Writes a file from these pieces. Throws a UserError where it may not. */
export async function placeFile(target: string, pieces: Iterable<Uint8Array>, force: boolean): Promise<void> {
  if (existsSync(target) && (await stat(target)).isDirectory())
    throw new UserError(`${target} is a folder: --out names a file here`, `${target} 是文件夹：这里 --out 要写文件名`)
  await expectFree(target, await isEarlierFile(target), force)
  const file = await openAtomic(target)
  try {
    for (const piece of pieces) await file.write(piece)
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.close()
}

async function expectFree(target: string, earlier: boolean, force: boolean): Promise<void> {
  if (force || earlier || !existsSync(target)) return
  throw new UserError(
    `${target} is there already and is not an earlier export: choose another --out, or --force`,
    `${target} 已经存在，而且不是以前导出的：请用 --out 换个地方，或者加 --force`,
  )
}

const factsSchema = z.object({
  name: z.string(),
  kind: z.string().optional(),
  source: z.string().optional(),
  files: z.array(z.string()),
})

/** What an exported folder says of itself; undefined for any other. */
export async function exportFacts(folder: string): Promise<z.infer<typeof factsSchema> | undefined> {
  return factsSchema.safeParse(await readJson(join(folder, EXPORT_FILE)).catch(() => undefined)).data
}

/** An empty folder, or one that holds nothing but what an export of ours wrote. */
async function isEarlierFolder(folder: string): Promise<boolean> {
  if (!existsSync(folder) || !(await stat(folder)).isDirectory()) return false
  const names = await readdir(folder)
  const files = (await exportFacts(folder))?.files
  const ours = new Set(files ? [...files, EXPORT_FILE] : [])
  return names.every((name) => ours.has(name))
}

/** Enough for the header of a vocabulary of hundreds of thousands. */
const HEADER_BYTES = 1 << 26

async function isEarlierFile(path: string): Promise<boolean> {
  if (!existsSync(path)) return false
  const handle = await open(path, 'r')
  try {
    const bytes = new Uint8Array(Math.min((await handle.stat()).size, HEADER_BYTES))
    const { bytesRead } = await handle.read(bytes)
    return readGgufHeader(bytes.subarray(0, bytesRead)).metadata.has(XUEBA_KEY)
  } catch {
    return false
  } finally {
    await handle.close()
  }
}

function freeName(wanted: string): string {
  let name = wanted
  for (let i = 2; existsSync(name); i++) name = `${wanted}${i}`
  return name
}

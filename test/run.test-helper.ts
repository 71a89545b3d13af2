/** Driving the real command line from a test: processes, runs in temporary folders, hashes of what they made. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRun, runFiles, sha256OfFile } from '../src/run/index.ts'

const main = join(import.meta.dirname, '../src/cli/main.ts')

export interface Finished {
  code: number | null
  out: string
  err: string
}

export function startXueba(
  args: string[],
  env: Record<string, string> = {},
): ChildProcess & { finished: Promise<Finished> } {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XUEBA_LANG: 'en', XUEBA_THREADS: '2', ...env },
  })
  let [out, err] = ['', '']
  child.stdout!.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr!.on('data', (data: Buffer) => (err += data.toString()))
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return Object.assign(child, { finished })
}

export const xueba = (args: string[], env: Record<string, string> = {}): Promise<Finished> =>
  startXueba(args, env).finished

/** sha256 of the weights of every finished stage, by stage name. */
export async function weightsOf(run: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const { name, folder, manifest } of (await readRun(run)).stages) {
    const weights = join(folder, 'model.safetensors')
    if (manifest && existsSync(weights)) hashes[name] = await sha256OfFile(weights)
  }
  return hashes
}

/** The pid of the trainer at work, if any. */
export function trainerOf(run: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(runFiles(run).lock, 'utf8')) as { pid: number }).pid
  } catch {
    return undefined
  }
}

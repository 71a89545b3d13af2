/** The C sources of the kernels: both products, native and WebAssembly, are named by what they were built from. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** kernels/ at the package's root: three folders up, from src and from dist alike. */
export const kernelFolder = fileURLToPath(new URL('../../../kernels/', import.meta.url))

/** Name and text of each file, sorted by name. */
export function kernelSources(): [name: string, text: string][] {
  const names = readdirSync(kernelFolder).filter((name) => /\.[ch]$/.test(name))
  return names.sort().map((name) => [name, readFileSync(join(kernelFolder, name), 'utf8')])
}

/** SHA-256 of all of them, in hexadecimal. */
export function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const part of kernelSources().flat()) hash.update(part).update('\0')
  return hash.digest('hex')
}

/** Where what is compiled or measured for this machine lies. */
export const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'xueba')

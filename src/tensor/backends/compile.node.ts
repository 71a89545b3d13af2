/**
 * Builds kernels/*.c into a shared library with the system's C compiler, once per machine: the result lies in the user's
 * cache under a name made of the sources, the flags, the compiler's version and the processor, so that a stale library is
 * never loaded. Never -ffast-math: loading such a library changes denormals and NaN tests in all of Node.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, hashOfSources, kernelFolder, kernelSources } from './sources.node.ts'

const FLAGS = [
  '-std=gnu11',
  '-O3',
  '-march=native',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fvisibility=hidden',
  '-shared',
  '-fPIC',
  '-pthread',
]

export interface CompiledLibrary {
  path: string
  compiler: string
  flags: string
}

/** The library for this machine, compiled if need be. Throws a sentence when there is no working compiler. */
export function compileKernels(): CompiledLibrary {
  const cc = process.env.CC ?? 'cc'
  const compiler = version(cc)
  const parts = [compiler, cpus()[0]?.model, process.arch, ...FLAGS, hashOfSources()]
  const hash = createHash('sha256').update(parts.join('\0'))
  const folder = cacheFolder()
  const path = join(folder, `kernels-${hash.digest('hex').slice(0, 16)}.so`)
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    const temporary = `${path}.${process.pid}`
    try {
      const names = kernelSources().map(([name]) => name)
      const files = names.filter((name) => name.endsWith('.c')).map((name) => join(kernelFolder, name))
      execFileSync(cc, [...FLAGS, ...files, '-o', temporary], { stdio: ['ignore', 'ignore', 'pipe'] })
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      const output = String((error as { stderr?: Buffer }).stderr ?? error).trim()
      throw new Error(`${cc} could not compile the kernels: ${output.split('\n').slice(0, 5).join('\n')}`, {
        cause: error,
      })
    }
  }
  return { path, compiler, flags: FLAGS.join(' ') }
}

function version(cc: string): string {
  try {
    return execFileSync(cc, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0]!
  } catch {
    throw new Error(`no C compiler: "${cc} --version" does not run (install gcc or clang, or set CC)`)
  }
}

/**
 * Builds dist/kernels.wasm from kernels/*.c with clang from npm (@yowasp/clang, itself WebAssembly), unless the file there was made
 * from the same sources, flags and compiler: it says so in its custom section `build`. The package ships the file.
 *
 * The register tile of matrix products has the size that suits the compiler's registers, and engines of WebAssembly differ in how many they keep
 * sums in: the same sources with other tiles lie in custom sections `tile`, whole modules each (src/tensor/backends/tiles.ts chooses).
 *
 * Memory is imported and shared, so that workers run the same instance of everything; without workers nobody notices. The code needs no
 * C library: clang turns memcpy and memset into bulk-memory instructions.
 */
import { existsSync, readFileSync, utimesSync } from 'node:fs'
import { commands, type Tree } from '@yowasp/clang'
import { writeFileAtomic } from '../src/formats/atomic.ts'
import { hashOfSources, kernelSources } from '../src/tensor/backends/sources.node.ts'
import { buildOf, type KernelBuild } from '../src/tensor/backends/wasm-build.ts'
import { wasmFile } from '../src/tensor/backends/wasm.node.ts'

const COMPILE =
  '--target=wasm32 -std=gnu11 -O3 -ffreestanding -ffp-contract=fast -fno-math-errno -msimd128 -mrelaxed-simd -matomics -mbulk-memory'
/** Rows and vectors of columns: V8 on x86 keeps nine sums in registers; where there are 32 registers (ARM), sixteen hide the latency. */
const TILES = [
  [3, 3],
  [4, 4],
] as const
const EXPORTS = ['start', 'stop', 'worker', 'run', 'abort', 'reserve', 'peak_flops', 'tile_flops'].map(
  (name) => `--export=xb_${name}`,
)
const MEMORY = `--import-memory --shared-memory --max-memory=${2 ** 32} --stack-first -z stack-size=${2 ** 18}`
const LINK = `--no-entry --gc-sections ${MEMORY} --export=__stack_pointer ${EXPORTS.join(' ')}`

/** Returns false when the file was up to date. Throws what the compiler said. */
export async function buildKernels(): Promise<boolean> {
  const build: Omit<KernelBuild, 'tile'> = {
    compiler: `@yowasp/clang ${versionOf('@yowasp/clang')}`,
    flags: `${COMPILE} ${LINK} ${TILES.join(' ')}`,
    sources: hashOfSources(),
  }
  if (isCurrent(build)) {
    utimesSync(wasmFile, new Date(), new Date()) // the launcher compares times
    return false
  }
  await commands.clang(undefined, {}, { fetchProgress: () => {} }) // loads the compiler, which would say so on stdout
  const modules: Buffer[] = []
  for (const [rows, vectors] of TILES) {
    const tile = `${rows}x${vectors}`
    const section = customSection('build', new TextEncoder().encode(JSON.stringify({ ...build, tile })))
    modules.push(Buffer.concat([await compile(`-DMR=${rows} -DNV=${vectors}`), section]))
  }
  await writeFileAtomic(
    wasmFile,
    Buffer.concat([modules[0]!, ...modules.slice(1).map((one) => customSection('tile', one))]),
  )
  return true
}

async function compile(defines: string): Promise<Uint8Array> {
  const tree: Tree = Object.fromEntries(kernelSources())
  const units = Object.keys(tree).filter((name) => name.endsWith('.c'))
  for (const unit of units) Object.assign(tree, await run(`clang ${COMPILE} ${defines} -c ${unit} -o ${unit}.o`, tree))
  Object.assign(tree, await run(`wasm-ld ${LINK} ${units.map((unit) => `${unit}.o`).join(' ')} -o kernels.wasm`, tree))
  return tree['kernels.wasm'] as Uint8Array
}

/** Runs a tool on the files of `tree`; returns them and what it wrote. */
async function run(command: string, tree: Tree): Promise<Tree> {
  const [tool, ...args] = command.split(' ') as ['clang' | 'wasm-ld', ...string[]]
  let said = ''
  const listen = (bytes: Uint8Array | null) => void (said += bytes ? Buffer.from(bytes).toString() : '')
  try {
    return (await commands[tool](args, tree, { stdout: listen, stderr: listen })) ?? {}
  } catch (error) {
    // Without the cause: it carries the whole tree of files.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(`${command}\n${said || String(error)}`)
  }
}

function isCurrent({ compiler, flags, sources }: Omit<KernelBuild, 'tile'>): boolean {
  if (!existsSync(wasmFile)) return false
  try {
    const made = buildOf(new WebAssembly.Module(readFileSync(wasmFile)))
    return made.compiler === compiler && made.flags === flags && made.sources === sources
  } catch {
    return false // not WebAssembly, or not ours
  }
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** A section that engines skip: id 0, its length, its name, then anything. */
function customSection(name: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([leb128(name.length), Buffer.from(name), content])
  return Buffer.concat([Buffer.of(0), leb128(body.length), body])
}

/** An unsigned number, seven bits a byte, the lowest first. */
function leb128(n: number): Uint8Array {
  const bytes: number[] = []
  for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128)
  return Uint8Array.from([...bytes, n])
}

/** What vitest calls once before all tests. */
export async function setup(): Promise<void> {
  await buildKernels()
}

if (import.meta.main) {
  const from = performance.now()
  if (await buildKernels())
    console.error(`dist/kernels.wasm: built in ${((performance.now() - from) / 1000).toFixed(1)} s`)
}

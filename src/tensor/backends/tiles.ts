/**
 * Which of the modules in kernels.wasm is the fastest here. They differ in the register tile of their matrix products (kernels/tile.h) and in
 * nothing that a result shows: V8 keeps nine sums in the registers of x86, an ARM has room for sixteen and needs as many to be busy.
 *
 * V8 compiles a function twice, first in haste, so each tile runs for a while before it is timed: 0.2 s in all, once, where the choice can be kept.
 */
import { buildOf } from './wasm-build.ts'

/** Where the choice is kept: by the name of what it depends on. */
export interface TileMemory {
  read(key: string): string | undefined | Promise<string | undefined>
  write(key: string, tile: string): void | Promise<void>
}

const WARM_MS = 60
const TIMED_MS = 5
const TIMES = 5
/** How much faster another tile has to be than the first: below, it may be chance. */
const LEAD = 1.05

/** The module to run: the first, or one of its sections `tile`. What was chosen before is not measured again. */
export async function fastestModule(first: WebAssembly.Module, memory: TileMemory): Promise<WebAssembly.Module> {
  const others = WebAssembly.Module.customSections(first, 'tile')
  if (others.length === 0) return first
  const modules = [first, ...(await Promise.all(others.map((bytes) => WebAssembly.compile(bytes))))]
  const { sources, compiler } = buildOf(first)
  const key = `${sources} ${compiler}`
  const known = await memory.read(key)
  const kept = modules.find((module) => buildOf(module).tile === known)
  if (kept) return kept
  const speeds: number[] = []
  for (const module of modules) speeds.push(await speedOf(module))
  const best = speeds.indexOf(Math.max(...speeds))
  const chosen = modules[speeds[best]! > LEAD * speeds[0]! ? best : 0]!
  await memory.write(key, buildOf(chosen).tile)
  return chosen
}

/** Operations a millisecond of its tile, the best of a few turns: others may use the machine. */
async function speedOf(module: WebAssembly.Module): Promise<number> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65_536, shared: true })
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
  const run = exports['xb_tile_flops'] as (iterations: number) => number
  const forMs = (ms: number) => {
    const begin = performance.now()
    let done = 0
    let now = begin
    for (; now - begin < ms; now = performance.now()) done += run(4)
    return done / (now - begin)
  }
  forMs(WARM_MS)
  return Math.max(...Array.from({ length: TIMES }, () => forMs(TIMED_MS)))
}

/** The modules in kernels.wasm: the same bits from each, one of them chosen, and the choice kept. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Engine } from '../engine.ts'
import { backward } from '../autograd.ts'
import { attention, linear, multiply, sum } from '../ops/index.ts'
import { random } from '../random.ts'
import { fastestModule, type TileMemory } from './tiles.ts'
import { buildOf } from './wasm-build.ts'
import { wasmFile } from './wasm.node.ts'
import { openWasm } from './wasm.ts'

const bytes = new Uint8Array(readFileSync(wasmFile))
const first = new WebAssembly.Module(bytes)
const tiles = [
  first,
  ...WebAssembly.Module.customSections(first, 'tile').map((one) => new WebAssembly.Module(one)),
].map((module) => buildOf(module).tile)

function kept(tile?: string) {
  const asked: string[] = []
  const memory: TileMemory & { tile?: string } = {
    ...(tile === undefined ? {} : { tile }),
    read: (key) => {
      asked.push(key)
      return memory.tile
    },
    write: (_, chosen) => void (memory.tile = chosen),
  }
  return { memory, asked }
}

/** A projection, attention over three documents, and the gradients of both. */
async function bitsOf(tile: string): Promise<number[]> {
  const engine = new Engine(await openWasm(bytes, 1, () => Promise.reject(new Error('one thread')), kept(tile).memory))
  expect(engine.backend.description).toMatchObject({ tile })
  const [time, heads, headDim, width] = [300, 2, 20, 50]
  const draw = random(1, 'tiles.test')
  const normals = (rows: number, columns: number) =>
    engine.tensor(
      Float32Array.from({ length: rows * columns }, () => draw.normal()),
      [rows, columns],
    )
  const [x, weight, probe] = [normals(time, width), normals(3 * heads * headDim, width), normals(time, heads * headDim)]
  for (const parameter of [x, weight]) parameter.requiresGrad = true
  const rope = engine.tensor(new Float32Array(time * headDim).fill(0.5), [time, headDim])
  const starts = Int32Array.from({ length: time }, (_, t) => (t < 37 ? 0 : t < 180 ? 37 : 180))
  const y = attention(
    { qkv: linear(x, weight), qNorm: null, kNorm: null, rope, starts: engine.tensor(starts, [time], 'i32') },
    { batch: 1, time, heads, kvHeads: heads, headDim, eps: 1e-6 },
  )
  const bits = [...(await y.read())]
  backward(sum(multiply(y, probe)))
  for (const { grad } of [x, weight]) bits.push(...(await grad!.read()))
  await engine.close()
  return bits
}

it('give the same bits, whatever their tiles', async () => {
  expect(tiles).toEqual(['3x3', '4x4'])
  const [one, other] = [await bitsOf(tiles[0]!), await bitsOf(tiles[1]!)]
  expect(one.some((value) => value !== 0)).toBe(true)
  expect(one.findIndex((value, i) => !Object.is(value, other[i]))).toBe(-1)
})

it('are timed once, and the fastest is kept', async () => {
  const { memory, asked } = kept()
  const chosen = buildOf(await fastestModule(first, memory)).tile
  expect(tiles).toContain(chosen)
  expect(memory.tile).toBe(chosen)
  const begin = performance.now()
  memory.tile = '4x4'
  expect(buildOf(await fastestModule(first, memory)).tile).toBe('4x4')
  expect(performance.now() - begin).toBeLessThan(150)
  expect(new Set(asked).size).toBe(1)
  memory.tile = '9x9' // of another version
  expect(tiles).toContain(buildOf(await fastestModule(first, memory)).tile)
  expect(memory.tile).not.toBe('9x9')
})

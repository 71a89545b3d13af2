/** Are our blocks ggml's, to the byte? Its own functions (ggml_quantize_chunk), called on random values and on a model's. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { encodeGgml, type GgmlType } from '../src/formats/index.ts'
import { random } from '../src/tensor/random.ts'

const TYPES = { f16: 1, q4_0: 2, q8_0: 8, bf16: 30 }
const ROWS = 2000
const COLUMNS = 64

export interface BlockResult {
  blocks: number
  /** Of each type: blocks that differ in some byte. */
  different: Record<string, number>
}

/** Undefined where the binary keeps its functions in no library of their own. */
export function compareBlocks(library: string): BlockResult | undefined {
  const file = ggmlLibrary(library)
  if (!file) return undefined
  const quantize = koffi
    .load(file)
    .func('size_t ggml_quantize_chunk(int, const float *, _Out_ uint8_t *, int64_t, int64_t, int64_t, const float *)')
  const draw = random(1, 'blocks')
  // Rows of all sizes, some with values that are equal, zero, or tied for the largest.
  const values = new Float32Array(ROWS * COLUMNS)
  for (let row = 0; row < ROWS; row++) {
    const [scale, coarse] = [2 ** (draw.below(40) - 28), draw.below(3) === 0]
    for (let i = 0; i < COLUMNS; i++) {
      const value = draw.normal()
      values[row * COLUMNS + i] = scale * (coarse ? Math.round(value * 2) / 2 : value)
    }
  }
  const different: Record<string, number> = {}
  for (const [type, id] of Object.entries(TYPES)) {
    const ours = encodeGgml(type as GgmlType, values)
    const theirs = new Uint8Array(ours.length)
    quantize(id, values, theirs, 0, ROWS, COLUMNS, null)
    const size = (ours.length / values.length) * 32
    const parts = Array.from({ length: values.length / 32 }, (_, i) => i * size)
    different[type] = parts.filter((at) => ours.subarray(at, at + size).some((b, i) => b !== theirs[at + i])).length
  }
  return { blocks: values.length / 32, different }
}

function ggmlLibrary(library: string): string | undefined {
  const scope = join(library, 'node_modules', '@node-llama-cpp')
  const files = readdirSync(scope, { recursive: true, encoding: 'utf8' })
  const found = files.find((file) => /(lib)?ggml-base\.(so|dylib|dll)$/.test(file))
  return found && existsSync(join(scope, found)) ? join(scope, found) : undefined
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { float16Bits, float16Value, fromBfloat16, toBfloat16, toFloat16 } from './half.ts'

/** DataView's half floats, where this Node has them: an implementation that is not ours. */
const view = new DataView(new ArrayBuffer(4)) as DataView & {
  getFloat16(at: number, little: boolean): number
  setFloat16(at: number, value: number, little: boolean): void
}

test('binary16: every one of the 65,536 patterns comes back', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = float16Value(bits)
    if (Number.isNaN(value)) expect(float16Bits(value) & 0x7fff).toBeGreaterThan(0x7c00)
    else expect(float16Bits(value)).toBe(bits)
  }
})

test('binary16: rounds as DataView does, between any two neighbours and at the edges', () => {
  const edges = [0, -0, 2 ** -24, 2 ** -25, 2 ** -25 + 2 ** -40, 3 * 2 ** -25, 65504, 65519.996, 65520, 1e30, -1e-30]
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [float16Value(bits), float16Value(bits + 1)]
    const middle = (low + high) / 2
    edges.push(middle, Math.fround(middle * (1 - 2 ** -20)), -Math.fround(middle * (1 + 2 ** -20)))
  }
  for (const value of edges) {
    view.setFloat16(0, value, true)
    expect([value, float16Bits(value)]).toEqual([value, view.getUint16(0, true)])
  }
})

test('binary16: any float32 rounds as DataView does', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      view.setFloat16(0, value, true)
      expect(toFloat16(Float32Array.of(value))[0]).toBe(view.getUint16(0, true))
    }),
    { numRuns: 2000 },
  )
})

test('bfloat16: the nearest of the two neighbours, the even one in the middle', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [bits] = toBfloat16(Float32Array.of(value))
      const at = (b: number) => fromBfloat16(Uint16Array.of(b))[0]!
      const error = Math.abs(at(bits!) - value)
      for (const other of [bits! - 1, bits! + 1].filter((b) => Number.isFinite(at(b & 0xffff)))) {
        const otherError = Math.abs(at(other & 0xffff) - value)
        expect(error < otherError || (error === otherError && bits! % 2 === 0) || !Number.isFinite(error)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})

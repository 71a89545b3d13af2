import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfGgml, decodeGgml, encodeGgml, fitsGgml, ggmlOfId, ggmlTypes, idOfGgml, QUANT_BLOCK } from './ggml.ts'

const block = (at: Record<number, number>) => Float32Array.from({ length: QUANT_BLOCK }, (_, i) => at[i] ?? 0)

test('q8_0: the bytes of a block worked out by hand', () => {
  // d = 127/127 = 1, which is 0x3c00; halves go away from zero.
  const bytes = encodeGgml('q8_0', block({ 0: 127, 1: -127, 2: 0.5, 3: -0.5, 4: 1.4999, 31: -3 }))
  const expected = new Uint8Array(34)
  expected.set([0x00, 0x3c, 127, 256 - 127, 1, 255, 1])
  expected[33] = 253
  expect(bytes).toEqual(expected)
})

test('q4_0: the bytes of a block worked out by hand', () => {
  // The largest is −8, so d = 1; q = ⌊x + 8.5⌋, at most 15; value 0 in the low half of byte 0, value 16 in its high half.
  const bytes = encodeGgml('q4_0', block({ 0: -8, 1: 7, 2: 8, 3: 0.5, 16: 1, 17: -1, 31: -7.6 }))
  const expected = new Uint8Array(18).fill(0x88)
  expected.set([0x00, 0x3c, 0x90, 0x7f, 0x8f, 0x89])
  expected[17] = 0x08
  expect(bytes).toEqual(expected)
  // The largest is 8: d = −1 = 0xbc00, and it becomes q = 0.
  const upwards = encodeGgml('q4_0', block({ 0: 8, 1: -7 }))
  expect(upwards.slice(0, 4)).toEqual(Uint8Array.of(0x00, 0xbc, 0x80, 0x8f))
})

test('a block of zeros is zeros', () => {
  for (const type of ggmlTypes) expect(decodeGgml(type, encodeGgml(type, block({}))).every((x) => x === 0)).toBe(true)
})

const values = fc
  .tuple(
    fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: QUANT_BLOCK, maxLength: QUANT_BLOCK }),
    fc.integer({ min: -20, max: 15 }),
  )
  .map(([unit, exponent]) => Float32Array.from(unit, (x) => x * 2 ** exponent))

/** |x − x̂| in steps of the exact scale: rounding, plus what q steps make of the scale's own rounding to 11 bits (or to 2⁻²⁴). */
function largestError(type: 'q8_0' | 'q4_0', x: Float32Array): { steps: number; scale: number } {
  const back = decodeGgml(type, encodeGgml(type, x))
  const scale = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / (type === 'q8_0' ? 127 : 8)
  const error = x.reduce((most, v, i) => Math.max(most, Math.abs(v - back[i]!)), 0)
  return { steps: scale === 0 ? error : error / scale, scale }
}
const ofScale = (q: number, scale: number) => q * Math.max(2 ** -11, 2 ** -25 / scale)

test('q8_0: no value is off by more than half a step', () => {
  fc.assert(
    fc.property(values, (x) => {
      const { steps, scale } = largestError('q8_0', x)
      expect(steps).toBeLessThanOrEqual(0.5 + ofScale(127, scale) + 1e-4)
    }),
    { numRuns: 500 },
  )
})

test('q4_0: no value is off by more than one step, and half a step away from the far end', () => {
  fc.assert(
    fc.property(values, (x) => {
      const { steps, scale } = largestError('q4_0', x)
      expect(steps).toBeLessThanOrEqual(1 + ofScale(8, scale) + 1e-4)
      // The largest value has q = 0 and comes back up to the rounding of the scale.
      const at = x.reduce((best, v, i) => (Math.abs(v) > Math.abs(x[best]!) ? i : best), 0)
      const back = decodeGgml('q4_0', encodeGgml('q4_0', x))
      expect(Math.abs(back[at]! - x[at]!)).toBeLessThanOrEqual(8 * scale * ofScale(1, scale) * 1.0001 + 1e-12)
    }),
    { numRuns: 500 },
  )
})

test('what was narrowed once stays as it is', () => {
  fc.assert(
    fc.property(values, fc.constantFrom('f32', 'f16', 'bf16'), (x, type) => {
      const bytes = encodeGgml(type, x)
      expect(encodeGgml(type, decodeGgml(type, bytes))).toEqual(bytes)
    }),
  )
})

test('sizes and numbers are ggml’s', () => {
  expect(ggmlTypes.map((type) => [type, idOfGgml(type), bytesOfGgml(type, 64)])).toEqual([
    ['f32', 0, 256],
    ['f16', 1, 128],
    ['bf16', 30, 128],
    ['q8_0', 8, 68],
    ['q4_0', 2, 36],
  ])
  expect(ggmlOfId(12)).toBeUndefined()
  expect([fitsGgml('q8_0', 48), fitsGgml('q4_0', 64), fitsGgml('f16', 7)]).toEqual([false, true, true])
})

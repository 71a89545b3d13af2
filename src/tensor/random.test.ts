import { describe, expect, it } from 'vitest'
import { philox, random } from './random.ts'

describe('philox', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it('matches the published known answers', () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
    expect(philox([~0, ~0, ~0, ~0], [~0, ~0])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
    expect(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ])
  })
})

describe('random', () => {
  it('depends on seed, stream and step only', () => {
    const draw = (seed: number, stream: string, step: number) => {
      const r = random(seed, stream, step)
      return Array.from({ length: 9 }, () => r.bits())
    }
    expect(draw(1, 'a', 0)).toEqual(draw(1, 'a', 0))
    expect(draw(1, 'a', 0)).not.toEqual(draw(2, 'a', 0))
    expect(draw(1, 'a', 0)).not.toEqual(draw(1, 'b', 0))
    expect(draw(1, 'a', 0)).not.toEqual(draw(1, 'a', 1))
  })

  it('draws normals of mean 0 and variance 1', () => {
    const r = random(3, 'normal')
    const xs = Array.from({ length: 20_000 }, () => r.normal())
    const mean = xs.reduce((a, b) => a + b) / xs.length
    const variance = xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(variance - 1)).toBeLessThan(0.05)
  })

  it('shuffles without losing anything', () => {
    const items = Array.from({ length: 100 }, (_, i) => i)
    const shuffled = random(1, 'shuffle').shuffle(items)
    expect(shuffled).not.toEqual(items)
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items)
  })
})

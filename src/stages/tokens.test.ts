import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinRows, packDialogues, readRows, streamOfDocuments } from './tokens.ts'

const END = 99
const documents = [[1, 2, 3], [4], [5, 6, 7, 8, 9], [10, 11]]

describe('readRows', () => {
  const stream = streamOfDocuments(documents, END)

  it('joins documents, each after an end-of-text token', () => {
    expect([...stream.tokens]).toEqual([END, 1, 2, 3, END, 4, END, 5, 6, 7, 8, 9, END, 10, 11])
    expect([...stream.borders]).toEqual([0, 4, 6, 12, 15])
  })

  it('targets are the next tokens, starts the beginnings of documents', () => {
    const { ids, targets, starts } = readRows(stream, 7, 1, { shuffle: false }).batch(0, 2)
    expect([...ids]).toEqual([END, 1, 2, 3, END, 4, END, 5, 6, 7, 8, 9, END, 10])
    expect([...targets]).toEqual([1, 2, 3, END, 4, END, 5, 6, 7, 8, 9, END, 10, 11])
    expect([...starts]).toEqual([0, 0, 0, 0, 4, 4, 6, 0, 0, 0, 0, 0, 5, 5])
  })

  it('reads every document once an epoch, in an order of its own', () => {
    const reader = readRows(stream, 1, 5)
    const epoch = (n: number) => [...reader.batch(n * reader.rowsPerEpoch, reader.rowsPerEpoch).ids]
    const all = [...stream.tokens].sort((a, b) => a - b)
    expect(reader.rowsPerEpoch).toBe(14)
    for (const n of [0, 1, 2]) for (const id of epoch(n)) expect(all).toContain(id)
    expect(new Set([0, 1, 2, 3, 4].map((n) => epoch(n).join())).size).toBeGreaterThan(1)
  })

  it('a row is a function of its number, wherever reading starts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 5 }), (first, time) => {
        const [a, b] = [readRows(stream, time, 3), readRows(stream, time, 3)]
        a.batch(0, 7)
        expect(a.batch(first, 2)).toEqual(b.batch(first, 2))
      }),
    )
  })
})

describe('packDialogues', () => {
  const dialogues = Array.from({ length: 40 }, (_, i) => {
    const length = 3 + (i % 9)
    return {
      ids: Array.from({ length }, (_unused, t) => i * 20 + t),
      mask: Array.from({ length }, (_unused, t) => (t > 1 ? 1 : 0)),
    }
  })

  it('keeps every scored token once, in the right place, apart from other dialogues', () => {
    const rows = packDialogues(dialogues, 16, END, 1, 0)
    const scored: number[] = []
    for (const { ids, targets, starts } of rows)
      for (let t = 0; t < 16; t++) {
        if (targets[t]! < 0) continue
        scored.push(targets[t]!)
        expect(targets[t]).toBe(ids[t]! + 1)
        expect(ids[starts[t]!]! % 20).toBe(0) // attention begins with the dialogue
        expect(Math.floor(ids[starts[t]!]! / 20)).toBe(Math.floor(ids[t]! / 20))
      }
    const expected = dialogues.flatMap(({ ids, mask }) => ids.filter((_, t) => mask[t]))
    expect(scored.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b))
  })

  it('cuts what is longer than a row', () => {
    const [row] = packDialogues([{ ids: [1, 2, 3, 4, 5, 6], mask: [0, 1, 1, 1, 1, 1] }], 3, END, 1, 0)
    expect([...row!.ids]).toEqual([1, 2, 3])
    expect([...row!.targets]).toEqual([2, 3, 4])
  })

  it('joins rows into a batch', () => {
    const rows = packDialogues(dialogues, 16, END, 1, 0).slice(0, 2)
    expect(joinRows(rows).ids.length).toBe(32)
  })
})

/** Rows of a table by integer index: the token embedding (with gradient), and `gatherRows` for choosing positions. */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

function expectIndex(op: string, index: Tensor, table: Tensor): void {
  table.engine.expect(op, [table], [index])
  if (table.shape.length !== 2) throw new Error(`${op}: expected a table (rows, C), got ${show(table.shape)}`)
}

/** ids (N) i32, table (V, C) → (N, C). Ids outside 0…V−1 give zeros and no gradient (the caller checks its data). */
export function embedding(ids: Tensor, table: Tensor): Tensor {
  expectIndex('embedding', ids, table)
  const [v = 0, c = 0] = table.shape
  const y = table.engine.empty([ids.size, c])
  table.engine.enqueue('embedding_forward', [ids, table, y], [ids.size, c, v])
  return record('embedding', [table], y, [], (dy) => {
    const { grad, accumulate } = gradientOf(table)
    if (!accumulate) table.engine.enqueue('fill', [grad], [grad.size], [0])
    table.engine.enqueue('embedding_backward', [ids, dy, grad], [ids.size, c, v])
  })
}

/** x (N, C), index (M) i32 → (M, C). No gradient. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  expectIndex('gatherRows', index, x)
  const [n = 0, c = 0] = x.shape
  const y = x.engine.empty([index.size, c])
  x.engine.enqueue('gather_rows', [x, index, y], [index.size, c, n])
  return y
}

function gather(index: Float64Array, table: Float64Array, y: Float64Array, n: number, c: number, rows: number): void {
  for (let i = 0; i < n; i++) {
    const row = index[i]!
    for (let j = 0; j < c; j++) y[i * c + j] = row >= 0 && row < rows ? table[row * c + j]! : 0
  }
}

export const embeddingKernels: ReferenceKernels = {
  embedding_forward: ({ dims: [n = 0, c = 0, v = 0], at }) => gather(at(0), at(1), at(2), n, c, v),
  gather_rows: ({ dims: [m = 0, c = 0, n = 0], at }) => gather(at(1), at(0), at(2), m, c, n),
  embedding_backward({ dims: [n = 0, c = 0, v = 0], at }) {
    const [ids, dy, dtable] = [at(0), at(1), at(2)]
    for (let i = 0; i < n; i++) {
      const row = ids[i]!
      if (row < 0 || row >= v) continue
      for (let j = 0; j < c; j++) dtable[row * c + j]! += dy[i * c + j]!
    }
  },
}

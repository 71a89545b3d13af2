/** SwiGLU (Shazeer, "GLU variants improve transformer", 2020): silu(gate) · up, with gate and up side by side in one tensor. */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

/** gateUp (N, 2F): first F columns the gate, then F the linear part → (N, F). */
export function swiglu(gateUp: Tensor): Tensor {
  gateUp.engine.expect('swiglu', [gateUp])
  const [n = 0, twice = 0] = gateUp.shape
  if (gateUp.shape.length !== 2 || twice % 2 !== 0)
    throw new Error(`swiglu: expected (N, 2F), got ${show(gateUp.shape)}`)
  const { engine } = gateUp
  const f = twice / 2
  const y = engine.empty([n, f])
  engine.enqueue('swiglu_forward', [gateUp, y], [n, f])
  return record('swiglu', [gateUp], y, [], (dy) => {
    const { grad, accumulate } = gradientOf(gateUp)
    engine.enqueue('swiglu_backward', [gateUp, dy, grad], [n, f, accumulate])
  })
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

export const swigluKernels: ReferenceKernels = {
  swiglu_forward({ dims: [n = 0, f = 0], at }) {
    const [x, y] = [at(0), at(1)]
    for (let i = 0; i < n; i++)
      for (let j = 0; j < f; j++) {
        const gate = x[i * 2 * f + j]!
        y[i * f + j] = gate * sigmoid(gate) * x[i * 2 * f + f + j]!
      }
  },
  swiglu_backward({ dims: [n = 0, f = 0, accumulate = 0], at }) {
    const [x, dy, dx] = [at(0), at(1), at(2)]
    for (let i = 0; i < n; i++)
      for (let j = 0; j < f; j++) {
        const g = i * 2 * f + j
        const u = g + f
        const s = sigmoid(x[g]!)
        const d = dy[i * f + j]!
        const dGate = d * x[u]! * s * (1 + x[g]! * (1 - s))
        const dUp = d * x[g]! * s
        dx[g] = accumulate ? dx[g]! + dGate : dGate
        dx[u] = accumulate ? dx[u]! + dUp : dUp
      }
  },
}

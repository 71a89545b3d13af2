/**
 * Reverse-mode differentiation over a tape. An operation appends a node that knows how to turn the gradient of its output
 * into commands that add to the gradients of its inputs; `backward` walks the tape in reverse and frees activations and
 * gradients as soon as nothing needs them. Gradients of parameters are persistent and added to (so batches accumulate).
 */
import { type Tensor, show } from './tensor.ts'

export interface Node {
  op: string
  inputs: Tensor[]
  output: Tensor
  /** Kept for backward besides inputs and output. */
  saved: Tensor[]
  /** Its gradient was taken as 1 beforehand: nothing may follow it. */
  mustBeRoot?: boolean
  /** Appends the commands of the backward pass. `dy` is the gradient of the output. */
  backward(dy: Tensor): void
}

/** Records an operation if recording is on and an input needs a gradient. */
export function record(
  op: string,
  inputs: Tensor[],
  output: Tensor,
  saved: Tensor[],
  backward: Node['backward'],
): Tensor {
  const { engine } = output
  if (!engine.recording || !inputs.some((t) => t.requiresGrad)) return output
  output.requiresGrad = true
  output.node = { op, inputs, output, saved, backward }
  for (const t of [output, ...saved]) if (t.storage.owner === 'scope') t.storage.owner = 'tape'
  engine.tape.push(output.node)
  return output
}

/** Where the gradient of `x` is to be written, and whether to add to what is there (1) or overwrite (0). */
export function gradientOf(x: Tensor): { grad: Tensor; accumulate: 0 | 1 } {
  if (x.grad) return { grad: x.grad, accumulate: 1 }
  x.grad = x.engine.empty(x.shape)
  x.grad.storage.owner = 'tape'
  return { grad: x.grad, accumulate: 0 }
}

/** Adds `dy` to the gradient of `x`; hands the memory over when `x` has none yet (so: for one input of a node, last). */
export function passGradient(x: Tensor, dy: Tensor): void {
  if (!x.requiresGrad) return
  if (x.grad) x.engine.enqueue('axpby', [dy, x.grad], [x.size, x.size], [1, 1])
  else x.grad = dy
}

/** Fills the gradients of every parameter that `loss` (a scalar) depends on, and clears the tape. */
export function backward(loss: Tensor): void {
  const { engine } = loss
  if (loss.size !== 1) throw new Error(`backward: expected a scalar loss, got ${show(loss.shape)}`)
  if (!loss.node)
    throw new Error('backward: nothing was recorded for this tensor (is it made from parameters, outside noGrad?)')
  const tape = engine.tape
  const stray = tape.find((node) => node.mustBeRoot && node !== loss.node)
  if (stray)
    throw new Error(
      `backward: ${stray.op} must be the loss itself: its gradient was taken as 1 when it was computed (for anything else use negativeLogProbs)`,
    )
  engine.tape = []
  const recording = engine.recording
  engine.recording = false
  loss.grad = engine.full(loss.shape, 1)
  loss.grad.storage.owner = 'tape'
  if (loss.storage.owner === 'tape') loss.storage.owner = 'scope' // the caller reads it
  try {
    walk(tape)
  } finally {
    engine.recording = recording
  }
}

/** From the last node to the first, each with the gradient that its output has by then. */
function walk(tape: Node[]): void {
  try {
    for (let node = tape.at(-1); node; tape.pop(), node = tape.at(-1)) {
      const dy = node.output.grad
      if (dy) {
        node.backward(dy)
        node.output.grad = null
        if (!node.inputs.some((t) => t.grad?.storage === dy.storage)) freeIfTape(dy)
      }
      release(node)
    }
  } finally {
    tape.forEach(release) // what is left after an error
  }
}

/**
 * body(x), of which nothing is kept for backward but x: it is computed a second time when its gradient is needed (gradient checkpointing;
 * Chen et al., 2016). Besides x, `body` may read parameters and constants. Same bits, less memory, one more forward pass.
 */
export function recompute(x: Tensor, body: (x: Tensor) => Tensor): Tensor {
  const { engine } = x
  if (!engine.recording) return engine.scope(() => body(x))
  const y = engine.noGrad(() => engine.scope(() => body(x)))
  const node: Node = {
    op: 'recompute',
    inputs: [x],
    output: y,
    saved: [],
    backward(dy) {
      const input = x.view(x.shape) // a gradient of its own
      input.requiresGrad = x.requiresGrad
      const outer = engine.tape
      engine.tape = []
      engine.recording = true
      const again = engine.scope(() => body(input))
      const inner = engine.tape
      engine.tape = outer
      engine.recording = false
      again.grad = dy
      walk(inner)
      if (input.grad) {
        const had = x.grad
        passGradient(x, input.grad)
        if (had) freeIfTape(input.grad)
      }
    },
  }
  y.requiresGrad = true
  y.node = node
  if (y.storage.owner === 'scope') y.storage.owner = 'tape'
  engine.tape.push(node)
  return y
}

function release({ saved, output }: Node): void {
  for (const t of saved) freeIfTape(t)
  freeIfTape(output)
  output.node = null
}

function freeIfTape(t: Tensor): void {
  if (t.storage.owner === 'tape') t.free()
}

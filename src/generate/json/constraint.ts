/**
 * Which tokens may come next so that an answer becomes JSON of a shape, in the tokens that are left to it. Tokens are walked as a
 * tree of their bytes, so that those which begin alike are decided together.
 */
import type { TokenText } from '../text.ts'
import type { JsonShape } from './schema.ts'
import { END, type State, value } from './states.ts'

/** Tokens by their bytes. */
export interface TokenTree {
  ids: number[]
  children: Map<number, TokenTree>
}

export interface JsonConstraint {
  /**
   * (V): 0 for what may come, −∞ for the rest, when `left` tokens may still come; null when nothing may. A stop id may come where
   * the text may end. Reaches the end in time if `left` is at first at least the shape's `cost`: every byte has a token.
   */
  mask(left: number): Float32Array | null
  /** Takes a token that the mask allowed. */
  push(id: number): void
  /** Nothing may follow. */
  readonly ended: boolean
  /** The text may end here. */
  readonly complete: boolean
}

/** Special tokens are left out. */
export function tokenTree(tokenizer: TokenText): TokenTree {
  const root: TokenTree = { ids: [], children: new Map() }
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.isSpecialId(id)) continue
    let node = root
    for (const byte of tokenizer.bytesOf(id)) {
      const child = node.children.get(byte) ?? { ids: [], children: new Map<number, TokenTree>() }
      node.children.set(byte, child)
      node = child
    }
    if (node !== root) node.ids.push(id)
  }
  return root
}

/** The ids that may follow a state, and the bytes still needed after each. */
interface Followers {
  ids: number[]
  costs: number[]
}

/** `vocabSize` is the model's, which may be larger than the tokenizer's. */
export function constrainToJson(
  shape: JsonShape,
  tree: TokenTree,
  tokenizer: TokenText,
  vocabSize: number,
  stopIds: readonly number[],
): JsonConstraint {
  let state = value(shape)
  const known = new WeakMap<State, Followers>() // a string comes back to one state after every whole character
  const followers = (from: State): Followers => {
    let found = known.get(from)
    if (!found) known.set(from, (found = collect(tree, from, { ids: [], costs: [] })))
    return found
  }
  return {
    mask(left) {
      const mask = new Float32Array(vocabSize).fill(-Infinity)
      const { ids, costs } = followers(state)
      let some = state.done
      ids.forEach((id, i) => {
        if (costs[i]! > left - 1) return
        mask[id] = 0
        some = true
      })
      if (state.done) for (const id of stopIds) mask[id] = 0
      return some ? mask : null
    },
    push(id) {
      if (stopIds.includes(id)) return
      for (const byte of tokenizer.bytesOf(id)) {
        const next = state.step(byte)
        if (!next) throw new Error(`json: token ${id} may not come here`)
        state = next
      }
    },
    get ended() {
      return state === END
    },
    get complete() {
      return state.done
    },
  }
}

function collect(node: TokenTree, state: State, into: Followers): Followers {
  for (const [byte, child] of node.children) {
    const next = state.step(byte)
    if (!next) continue
    for (const id of child.ids) {
      into.ids.push(id)
      into.costs.push(next.cost)
    }
    if (child.children.size > 0) collect(child, next, into)
  }
  return into
}

/**
 * A reward model: what a text is worth to somebody, as one number at its last token, learnt from which of two texts was preferred.
 * P(chosen over rejected) = σ(reward chosen − reward rejected) (Bradley and Terry, 1952; Ouyang et al., InstructGPT, 2022).
 */
import { crossEntropy, embedding, gatherRows, linear, subtract, type Tensor } from '../tensor/index.ts'
import type { OptimizerOptions } from './optimizer.ts'
import { trainOn, type Trainer } from './trainer.ts'
import { attendRows, hiddenStates, type Model } from './transformer.ts'

/** `rows` texts of at most `time` tokens, one a row, and what was chosen among them. */
export interface ChoiceBatch {
  /** (rows · time) */
  ids: Int32Array
  /** (rows): the index in `ids` of each text's last token; −1 where the row is empty. */
  ends: Int32Array
  /** (choices · ways): rows of texts, the chosen one first; −1 where there are fewer, or no choice. Without it rows 2i and 2i + 1 are a pair. */
  choices?: Int32Array
}

/** Added to the logit of what is not there to be chosen. */
const ABSENT = -1e4

/**
 * Trains the head and the model below it on choices among at most `ways` texts: the loss is the mean of −log softmax(rewards)[chosen] in nats. Of two texts
 * this is −log σ(margin), Bradley and Terry's; a ranking is a chain of choices (Plackett, 1975; Luce, 1959; as a loss for reward models:
 * Zhu, Jiao and Jordan, "Principled reinforcement learning with human feedback from pairwise or K-wise comparisons", 2023).
 */
export function createRewardTrainer(
  model: Model,
  { rows, time, ways = 2 }: { rows: number; time: number; ways?: number },
  options: OptimizerOptions,
): Trainer<ChoiceBatch> {
  const { engine } = model
  const score = headOf(model)
  if (ways === 2 && rows % 2 !== 0) throw new Error(`pairs need an even number of rows, got ${rows}`)
  const choices = mostChoices(rows, ways)
  const integers = (size: number) => engine.keep(engine.tensor(new Int32Array(size), [size], 'i32'))
  const floats = (...shape: number[]) => engine.keep(engine.zeros(shape))
  const [ids, starts] = [integers(rows * time), integers(rows * time)] // every row is one text
  const places = Array.from({ length: ways }, () => integers(choices))
  const [targets, weights, nll] = [integers(choices), floats(choices), floats(choices)]
  const absent = floats(choices, ways)
  const unit = (way: number) => Array.from({ length: ways }, (_, i) => (i === way ? 1 : 0))
  const units = places.map((_, way) => engine.keep(engine.tensor(unit(way), [ways, 1])))
  const classes = engine.keep(
    engine.tensor(
      places.flatMap((_, way) => unit(way)),
      [ways, ways],
    ),
  )
  const chosenOf = (batch: ChoiceBatch) => (batch.choices ?? pairsOf(batch)).filter((_, i) => i % ways === 0)
  return trainOn(model, { rows, time }, options, {
    scored: (batch) => chosenOf(batch).filter((row) => row >= 0).length,
    write(batch, scored) {
      const chosen = batch.choices ?? pairsOf(batch)
      ids.write(batch.ids)
      for (const [way, place] of places.entries())
        place.write(
          Int32Array.from({ length: choices }, (_, i) => {
            const row = chosen[i * ways + way] ?? -1
            return row >= 0 ? batch.ends[row]! : -1
          }),
        )
      absent.write(Float32Array.from({ length: choices * ways }, (_, i) => ((chosen[i] ?? -1) >= 0 ? 0 : ABSENT)))
      const isThere = Array.from({ length: choices }, (_, i) => (chosen[i * ways] ?? -1) >= 0)
      targets.write(Int32Array.from(isThere, (is) => (is ? 0 : -1)))
      weights.write(Float32Array.from(isThere, (is) => (is ? 1 / scored : 0)))
    },
    loss() {
      const x = hiddenStates(model, ids, attendRows(model, starts, rows, time))
      const [chosen, ...others] = places.map((place) => embedding(place, x)) // (choices, C) each
      // Logits relative to the chosen text, a column for each way: differences before the head, so that roundings of large rewards do not count.
      const logits = others.reduce<Tensor>(
        (sum, other, i) => linear(linear(subtract(other, chosen!), score), units[i + 1]!, sum), // (choices, ways)
        absent,
      )
      return crossEntropy({ x: logits, w: classes, targets }, weights, nll)
    },
    free() {
      for (const t of [ids, starts, ...places, targets, weights, nll, absent, ...units, classes]) t.free()
    },
  })
}

/** Choices that the rankings of a batch amount to at most, `ways` rows each: all but the last of a ranking are chosen. */
const mostChoices = (rows: number, ways: number) => Math.floor(rows / ways) * (ways - 1)

/** Texts 2i and 2i + 1 are a pair, the chosen one first. */
const pairsOf = ({ ends }: ChoiceBatch): Int32Array => ends.map((end, row) => (end >= 0 ? row : -1))

/** Judges texts: a forward pass over `rows` × `time` tokens, captured. */
export function createRewardScorer(model: Model, { rows, time }: { rows: number; time: number }) {
  const { engine } = model
  const head = headOf(model)
  const integers = (size: number) => engine.keep(engine.tensor(new Int32Array(size), [size], 'i32'))
  const [ids, starts, ends] = [integers(rows * time), integers(rows * time), integers(rows)]
  const program = engine.capture(() =>
    engine.noGrad(() => {
      const x = hiddenStates(model, ids, attendRows(model, starts, rows, time))
      return linear(gatherRows(x, ends), head) // (rows, 1)
    }),
  )
  return {
    /** The reward of each text, given as ids; longer ones are judged by their last `time` tokens. */
    async score(texts: readonly (readonly number[])[]): Promise<number[]> {
      const rewards: number[] = []
      for (let first = 0; first < texts.length; first += rows) {
        const batch = placeTexts(texts.slice(first, first + rows), { rows, time })
        ids.write(batch.ids)
        ends.write(batch.ends)
        program.run()
        const values = await program.outputs.read()
        rewards.push(...Array.from(values).slice(0, texts.length - first))
      }
      return rewards
    },
    free() {
      program.free()
      for (const t of [ids, starts, ends]) t.free()
    },
  }
}

/** Texts at the beginnings of rows, the rest 0; of longer ones the last `time` tokens, as what is judged stands at the end. A text without tokens leaves its row empty. */
export function placeTexts(
  texts: readonly (readonly number[])[],
  { rows, time }: { rows: number; time: number },
): { ids: Int32Array; ends: Int32Array } {
  const batch = { ids: new Int32Array(rows * time), ends: new Int32Array(rows).fill(-1) }
  texts.forEach((text, row) => {
    const length = Math.min(text.length, time)
    if (length === 0) return
    batch.ids.set(text.slice(-length), row * time)
    batch.ends[row] = row * time + length - 1
  })
  return batch
}

/** Rankings one after the other, `ways` rows each; `choices` hold numbers of a ranking's texts. */
export function placeChoices(
  rankings: readonly { texts: readonly (readonly number[])[]; choices: readonly (readonly number[])[] }[],
  { rows, time, ways }: { rows: number; time: number; ways: number },
): ChoiceBatch {
  const padded = rankings.flatMap(({ texts }) => Array.from({ length: ways }, (_, i) => texts[i] ?? []))
  const choices = new Int32Array(mostChoices(rows, ways) * ways).fill(-1)
  rankings
    .flatMap(({ choices }, r) => choices.map((choice) => choice.map((text) => r * ways + text)))
    .forEach((choice, i) => choices.set(choice, i * ways))
  return { ...placeTexts(padded, { rows, time }), choices }
}

// --- internal ---

function headOf({ score }: Model): Tensor {
  if (!score) throw new Error('this model has no reward head: its config needs score: true')
  return score
}

/**
 * `npm run study -- labels --base runs/teachers-1`: how good is a reward model after so many labels? The simulated reader of the embedded world, whose taste
 * and noise are stated (src/world/essays.ts, drafts.ts), labels up to 5,000 pairs; the SFT model of a finished run learns from the first n of them, each
 * time anew, and judges the same 1,000 pairs of prompts that no label is about. Beside it the judge that looks at lengths, and the reader itself: what it
 * would get on its own labels if it were asked again without noise.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRewardScorer, freeModel } from '../src/nn/index.ts'
import { readJson, readRun, writeJson } from '../src/run/index.ts'
import { calibration } from '../src/stages/calibration.ts'
import { loadModel, loadTokenizer } from '../src/stages/model-folder.ts'
import { accuracyOf, answered } from '../src/stages/pairs.ts'
import { lengthJudge, rewardModel } from '../src/stages/reward-model.ts'
import { random } from '../src/tensor/index.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { makeRankedPairs, makeWorld, type RankedPair } from '../src/world/index.ts'
import { lonely } from './reward-study.ts'

export interface LabelPoint {
  seed: number
  labels: number
  steps: number
  /** On labels as noisy as those learnt from. */
  accuracy: number
  accuracyLow: number
  accuracyHigh: number
  /** On which of the two is truly worth more. */
  trueAccuracy: number
  calibrationError: number
  margin: number
  lengthAccuracy: number
  /** The reader's own order without noise, on its noisy labels: no judge can expect more. */
  ceiling: number
}

const TEST = 1000
/** Few labels are read more often: so many steps at least. */
const FEWEST_STEPS = 60
const SHAPE = { rows: 16, time: 128 }

export async function studyLabels(
  base: string,
  sizes: readonly number[],
  seeds: readonly number[],
  noise = 1,
): Promise<LabelPoint[]> {
  const run = await readRun(base)
  const sft = run.stages.findLast(({ kind, manifest }) => kind === 'sft' && manifest)
  if (!sft) throw new Error(`${base} holds no finished SFT stage`)
  const home = join(base, 'labels')
  mkdirSync(home, { recursive: true })
  const engine = await openEngine()
  const tokenizer = await loadTokenizer(sft.folder)
  const recipe = (await readJson(join(sft.folder, 'manifest.json'))) as { config: { seed: number } }
  const world = makeWorld({ language: run.language, seed: recipe.config.seed })
  const points: LabelPoint[] = []
  for (const seed of seeds) {
    const largest = Math.max(...sizes)
    const all = makeRankedPairs(world, { seed, count: 2 * (largest + TEST), noise })
    const isTest = ({ prompt }: RankedPair) => random(0, `labels ${prompt}`).uniform() < 0.3
    const test = all.filter(isTest).slice(0, TEST)
    const training = all.filter((pair) => !isTest(pair)).slice(0, largest)
    const testIds = test.flatMap(({ prompt, chosen, rejected }) =>
      [chosen, rejected].map(
        ({ text }) =>
          answered(tokenizer, [
            { role: 'user', content: prompt },
            { role: 'assistant', content: text },
          ]).ids,
      ),
    )
    for (const labels of sizes) {
      const folder = join(home, `seed-${seed}-${labels}${noise === 1 ? '' : `-noise-${noise}`}`)
      const known = join(folder, 'point.json')
      if (existsSync(known)) {
        points.push((await readJson(known)) as LabelPoint)
        continue
      }
      mkdirSync(folder, { recursive: true })
      const some = training.slice(0, labels)
      const file = join(folder, 'pairs.jsonl')
      const row = ({ prompt, chosen, rejected }: RankedPair) =>
        `${JSON.stringify({ prompt, chosen: chosen.text, rejected: rejected.text })}\n`
      writeFileSync(file, some.map(row).join(''))
      const perStep = SHAPE.rows / 2
      const steps = Math.max(FEWEST_STEPS, Math.round(labels / perStep))
      const config = rewardModel.config.parse({
        ...SHAPE,
        data: [{ file }],
        heldOut: 0,
        steps,
        checkpointEvery: 1e6,
        evaluateEvery: 1e6,
      })
      await rewardModel.run(
        lonely(engine, folder, [{ kind: 'sft', name: 'sft', folder: sft.folder }], { seed }),
        config,
      )
      const model = await loadModel(engine, folder, { trainable: false })
      const scorer = createRewardScorer(model, SHAPE)
      const rewards = await scorer.score(testIds)
      scorer.free()
      freeModel(model)
      const margins = test.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!)
      const gaps = test.map(({ chosen, rejected }) => chosen.quality - rejected.quality)
      const decided = margins.map((margin, i) => margin * Math.sign(gaps[i]!)).filter((_, i) => gaps[i] !== 0)
      const sizesOf = (pairs: readonly RankedPair[]) =>
        pairs.map(({ chosen, rejected }) => ({
          characters: [chosen.text.length, rejected.text.length] as [number, number],
        }))
      const point: LabelPoint = {
        seed,
        labels,
        steps,
        ...accuracyOf(margins),
        trueAccuracy: accuracyOf(decided).accuracy,
        calibrationError: calibration(margins).error,
        margin: margins.reduce((a, b) => a + b, 0) / margins.length,
        lengthAccuracy: lengthJudge(sizesOf(some), sizesOf(test))!.lengthAccuracy,
        ceiling: accuracyOf(gaps).accuracy,
      }
      await writeJson(known, point)
      points.push(point)
      console.log(JSON.stringify(point))
    }
  }
  await engine.close()
  return points
}

export function labelsTable(points: readonly LabelPoint[]): string {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`
  return [
    '| seed | labels | accuracy on new labels | on the true order | calibration error | length alone | ceiling |',
    '|---|---|---|---|---|---|---|',
    ...points.map(
      (p) =>
        `| ${p.seed} | ${p.labels} | ${share(p.accuracy)} (${share(p.accuracyLow)}–${share(p.accuracyHigh)}) | ${share(p.trueAccuracy)} | ${share(p.calibrationError)} | ${share(p.lengthAccuracy)} | ${share(p.ceiling)} |`,
    ),
  ].join('\n')
}

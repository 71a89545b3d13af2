/** A made-up run on disk: recipe, events of two attempts, manifests. Its numbers are plausible and belong to nobody. */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { finishStage } from '../../run/finish.test-helper.ts'
import { createRun, type EventBody, openEvents, runFiles, stageFolder } from '../../run/index.ts'
import { random } from '../../tensor/random.ts'
import type { Language } from '../stage.ts'

export interface MadeRun {
  language?: Language
  /** Stands wherever a model, a prompt or a file name could have put it. */
  hostile?: string
  /** How many of the stages are done; default: all but the report. */
  done?: number
}

const stages = [
  { kind: 'corpus', name: 'corpus', config: { sources: [{ world: 'web' }] } },
  { kind: 'tokenizer', name: 'tokenizer', config: { vocab: 2048 } },
  { kind: 'pretrain', name: 'pretrain', config: { steps: 2000 } },
  { kind: 'sft', name: 'sft-control', config: { steps: 300, from: 'random' } },
  { kind: 'sft', name: 'sft', config: { steps: 300 } },
  { kind: 'rl', name: 'rl', config: { tasks: [{ task: { name: 'arithmetic', digits: 2 } }] } },
  { kind: 'eval', name: 'eval', config: {} },
  { kind: 'report', name: 'report', config: {} },
]

/** Writes it into an empty folder. */
export async function makeRun(run: string, { language = 'zh', hostile, done = 7 }: MadeRun = {}): Promise<void> {
  const zh = language === 'zh'
  const [name, prompts] = [zh ? '小镇' : 'town', zh ? ['从前', '今天'] : ['Once upon a time', 'Today']]
  await createRun(run, { name, language, seed: 1, model: { depth: 2 }, stages })
  const folders = stages.map((stage, i) => join(run, stageFolder(i, stage.name)))
  const noise = random(1, 'made-up run')
  let events = openEvents(runFiles(run).events)
  const start = () =>
    events.emit({
      type: 'started',
      recipe: name,
      language,
      version: '0.1.0',
      stages: stages.map(({ kind, name }, i) => ({ kind, name, folder: basename(folders[i]!) })),
      machine: { cpu: 'Example CPU 9000', cores: 2, memoryGB: 8, node: 'v24.0.0', backend: 'native', threads: 2 },
    })
  const emit = (body: EventBody) => void events.emit(body)
  const metric = (step: number, name: string, value: number, more: object = {}) =>
    emit({ type: 'metric', step, name, value, ...more })
  const metricAt = (name: string, value: number, more: object) => emit({ type: 'metric', name, value, ...more })
  const finish = async (index: number, seconds: number, metrics: Record<string, number>) => {
    const { kind, name, config } = stages[index]!
    const folder = folders[index]!
    await mkdir(folder, { recursive: true })
    if (['pretrain', 'sft', 'rl'].includes(kind)) await writeFile(join(folder, 'model.safetensors'), '')
    await finishStage(run, index, { kind, name, config, seconds, metrics })
    emit({ type: 'stage-done', kind, name, seconds, metrics })
  }
  /** A loss that falls, with its speed. */
  const learn = (from: number, steps: number, [high, low]: [number, number], every = 10) => {
    for (let step = from + every; step <= steps; step += every) {
      const loss = low + (high - low) * Math.exp((-5 * step) / steps) + 0.08 * noise.normal()
      emit({ type: 'progress', step, steps, loss, tokensPerSecond: 19_000 + 400 * noise.normal() })
      metric(step, 'gradNorm', 1 + 0.2 * noise.uniform(), { split: 'train' })
    }
  }
  const begin = (index: number) => {
    if (index >= done) return false
    const { kind, name } = stages[index]!
    events.stage = basename(folders[index]!)
    emit({ type: 'stage-started', kind, name })
    return true
  }

  start()
  if (begin(0)) {
    const rules = {
      'too-few-stop-words': 41,
      gambling: 22,
      'near-duplicate': 61,
      'exact-duplicate': 12,
      ...(hostile ? { [hostile]: 3 } : {}),
    }
    if (hostile) emit({ type: 'warning', code: 'odd', message: { en: hostile, zh: hostile } })
    const left = {
      read: 1204,
      url: 1182,
      extract: 1169,
      language: 1101,
      'min-length': 1064,
      'gopher-quality': 1023,
      'near-duplicate': 950,
    }
    await finish(0, 12.4, {
      documents: 902,
      bytes: 612_345,
      heldOut: 48,
      heldOutBytes: 31_000,
      rejected: 254,
      ...Object.fromEntries(
        Object.entries(left).flatMap(([step, n]) => [
          [`funnel.${step}.documents`, n],
          [`funnel.${step}.bytes`, n * 700],
        ]),
      ),
      ...Object.fromEntries(Object.entries(rules).map(([rule, n]) => [`rejected.${rule}`, n])),
    })
  }
  if (begin(1)) await finish(1, 4.2, { vocab: 2048, charactersPerToken: 1.71, bytesPerToken: 4.9 })
  if (begin(2)) {
    emit({ type: 'metric', name: 'parameters', value: 664_000 })
    const evaluate = (step: number) => {
      const bits = 1.35 + 3 * Math.exp(-step / 350)
      metric(step, 'bitsPerByte', bits, { split: 'heldout' })
      metric(step, 'loss', bits * 1.4, { split: 'heldout' })
      for (const prompt of [...prompts, ...(hostile ? [hostile] : [])])
        emit({
          type: 'sample',
          step,
          prompt,
          text: hostile ?? (zh ? `镇上的王小明养了一只花猫，第 ${step} 步。` : `there was a baker, at step ${step}.`),
        })
    }
    learn(0, 1000, [7.6, 2.1])
    evaluate(500)
    const fromSeq = events.seq
    // What the first attempt did after its checkpoint never happened.
    metric(510, 'bitsPerByte', 999, { split: 'heldout' })
    events.close()
    events = openEvents(runFiles(run).events)
    start()
    events.stage = basename(folders[2]!)
    emit({ type: 'resumed', fromSeq, step: 500 })
    for (const step of [1000, 1500, 2000]) {
      learn(step - 500, 2000, [7.6, 1.9])
      evaluate(step)
    }
    await finish(2, 241.7, {
      parameters: 664_000,
      tokens: 5_120_000,
      tokensPerParameter: 7.71,
      corpusTokens: 1_204_000,
      epochs: 4.25,
      loss: 1.93,
      bitsPerByte: 1.36,
      tokensPerSecond: 19_020,
    })
  }
  for (const [index, low] of [
    [3, 1.9],
    [4, 0.6],
  ] as const) {
    if (!begin(index)) continue
    learn(0, 300, [3, low], 5)
    for (const step of [100, 200, 300]) metric(step, 'loss', low + 30 / step, { split: 'heldout' })
    await finish(index, 58.3, {
      dialogues: 3200,
      cut: 0,
      tokens: 307_200,
      steps: 300,
      epochs: 2,
      loss: low,
      heldOutLoss: low + 0.1,
      tokensPerSecond: 18_500,
    })
  }
  if (begin(5)) {
    const examine = (step: number, value: number) => {
      const [low, high] = [Math.max(0, value - 0.08), Math.min(1, value + 0.08)]
      metric(step, 'accuracy', value, { split: 'arithmetic-2-digits', low, high })
      metric(step, 'pass@4', Math.min(1, value + 0.2), { split: 'arithmetic-2-digits', low: 0.3, high: 1 })
      emit({
        type: 'sample',
        step,
        prompt: zh ? '计算：37+45' : 'What is 37+45?',
        text: zh
          ? '37+45：\n个位：7+5=12，写2进1\n十位：3+4+1=8\n答案：82'
          : '37+45:\nones: 7+5=12, write 2 carry 1\ntens: 3+4+1=8\nAnswer: 82',
      })
    }
    examine(0, 0.22)
    for (let step = 1; step <= 150; step++) {
      const share = 1 - Math.exp(-step / 50)
      const train = { split: 'train' }
      metric(step, 'reward', 0.3 + 0.6 * share + 0.05 * noise.normal(), train)
      metric(step, 'correct', Math.min(1, 0.22 + 0.6 * share + 0.02 * noise.uniform()), train)
      metric(step, 'answerLength', 26 - 3 * share + noise.normal(), train)
      metric(step, 'entropy', 0.4 - 0.3 * share + 0.02 * noise.normal(), train)
      if (step % 50 === 0) examine(step, 0.22 + 0.6 * share)
    }
    const after = 0.22 + 0.6 * (1 - Math.exp(-3))
    await finish(5, 176.9, {
      steps: 150,
      updates: 150,
      stoppedEarly: 0,
      accuracyBefore: 0.22,
      accuracyLowBefore: 0.14,
      accuracyHighBefore: 0.3,
      accuracy: after,
      accuracyLow: after - 0.08,
      accuracyHigh: after + 0.08,
      'pass@4': Math.min(1, after + 0.2),
      problems: 100,
    })
  }
  if (begin(6)) {
    const scores = { pretrain: [1.36, 0.04], 'sft-control': [2.9, 0.02], sft: [1.41, 0.21], rl: [1.43, 0.8] }
    const all: Record<string, number> = {}
    const put = (key: string, value: number, spread: number) => {
      const [low, high] = [value - spread, value + spread]
      metricAt(key, value, { low, high })
      Object.assign(all, { [key]: value, [`${key}Low`]: low, [`${key}High`]: high })
    }
    for (const [stage, [bits, accuracy]] of Object.entries(scores)) {
      all[`${stage}.bitsPerByte`] = bits!
      put(`${stage}.accuracy`, accuracy!, 0.02)
      if (stage !== 'pretrain') put(`${stage}.accuracyGain`, accuracy! - 0.04, 0.05)
      put(`${stage}.world.untaught`, accuracy! / 2, 0.02)
      all[`${stage}.world.chance`] = 0.07
    }
    await finish(6, 21.5, all)
  }
  events.close()
}

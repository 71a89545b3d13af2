/**
 * `rollouts.jsonl`: whole groups of answers, a line each, and `rollouts.index.json`, which says at which byte a step's lines
 * begin. The file only grows; a resumed stage cuts it back to what its checkpoint knew, so that the final bytes are those of
 * a run that was never interrupted. Lines are plain facts without times.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError, writeJson } from '../../run/index.ts'
import type { RewardParts } from '../../tasks/index.ts'
import type { Group } from './rollout.ts'
import { mean } from '../statistics.ts'

export const ROLLOUTS = 'rollouts.jsonl'
export const ROLLOUT_INDEX = 'rollouts.index.json'

/** What a checkpoint keeps: the length in bytes, and each step's first byte. */
export interface RolloutPosition {
  bytes: number
  offsets: Record<string, number>
}

/** One line. */
export interface RolloutLine {
  step: number
  task: string
  id: string
  prompt: string
  expected: string
  /** False: all answers earned the same, nothing was learned from them. */
  kept: boolean
  promptIds: number[]
  answers: {
    text: string
    /** NaN, which JSON writes as null, when the task could not judge it. */
    reward: number
    /** What training was told instead: shuffled rewards, a judgement, less what length took off. */
    credit?: number
    /** What the reward is made of, where the task tells: for the form, and for the answer. */
    parts?: RewardParts
    /** Of the credit, what the answer's length took off. */
    overlong?: number
    /** Taken off the credit for the distance from the reference model. */
    charge?: number
    correct: boolean
    advantage: number
    /** Mean log p of a token when it was sampled, nats. */
    logProb: number
    finish: string
    ids: number[]
  }[]
}

export interface RolloutLog {
  /** Appends a step's groups; returns the byte its first line begins at. */
  append(step: number, groups: readonly Group[]): Promise<number>
  /** Makes what was written durable, index included, and says how far it goes. */
  flush(): Promise<RolloutPosition>
  close(): Promise<void>
}

/** Opens the file of a stage folder: empty, or cut back to a checkpoint's position. */
export async function openRolloutLog(folder: string, position?: RolloutPosition): Promise<RolloutLog> {
  const path = join(folder, ROLLOUTS)
  const file: FileHandle = await open(path, position ? 'r+' : 'w')
  const { size } = await file.stat()
  const offsets = { ...position?.offsets }
  let bytes = position?.bytes ?? 0
  if (size < bytes) {
    await file.close()
    throw new UserError(
      `${path} has ${size} bytes, the checkpoint knows of ${bytes}: it was cut; remove ${folder} to do the stage again`,
      `${path} 只有 ${size} 字节，检查点记录的是 ${bytes}：文件被截短过；删除 ${folder} 可重做这个阶段`,
    )
  }
  await file.truncate(bytes)
  return {
    async append(step, groups) {
      const offset = bytes
      const lines = Buffer.from(groups.map((group) => `${JSON.stringify(toLine(step, group))}\n`).join(''))
      for (let done = 0; done < lines.length;)
        done += (await file.write(lines, done, lines.length - done, bytes + done)).bytesWritten
      bytes += lines.length
      offsets[step] = offset
      return offset
    },
    async flush() {
      await file.sync()
      await writeJson(join(folder, ROLLOUT_INDEX), offsets)
      return { bytes, offsets }
    },
    close: () => file.close(),
  }
}

function toLine(step: number, { task, exercise, answers, kept }: Group): RolloutLine {
  return {
    step,
    task: task.name,
    id: exercise.id,
    prompt: exercise.prompt,
    expected: exercise.answer,
    kept,
    promptIds: answers[0]?.asked.prompt ?? [],
    answers: answers.map(({ asked, reward, credit, correct, parts, overlong, charge, advantage }) => ({
      text: asked.text,
      reward,
      ...(credit === reward ? {} : { credit }),
      ...(parts ? { parts } : {}),
      ...(overlong ? { overlong } : {}),
      ...(charge === undefined ? {} : { charge }),
      correct,
      advantage,
      logProb: asked.logProbs.length > 0 ? mean(asked.logProbs) : 0,
      finish: asked.finish,
      ids: Array.from(asked.ids),
    })),
  }
}

/** The flags of `xueba lesson`, whichever lesson it is. */
import { z } from 'zod'
import { help } from '../flags.ts'
import { STAGES } from '../../library/find-model.ts'

export const lessonFlags = z.object({
  csv: help(z.string().optional(), 'house-price: your own houses', 'house-price：你自己的房价表'),
  area: help(z.string().optional(), 'name or number of its column', '面积那一列的名字或序号'),
  price: help(z.string().optional(), 'name or number of its column', '价格那一列的名字或序号'),
  steps: help(z.number().int().positive().max(100_000).default(300), 'house-price: steps', 'house-price：走多少步'),
  stage: help(z.enum(STAGES).optional(), 'model of which stage', '用哪个阶段的模型'),
  prompt: help(z.string().optional(), 'randomness: your own question', 'randomness：你自己的问题'),
  times: help(z.number().int().min(10).max(1000).default(100), 'randomness: how often to ask', 'randomness：问多少遍'),
  seed: help(z.number().int().nonnegative().default(1), 'seed of the draws', '随机种子'),
  json: help(z.boolean().default(false), 'print the data as JSON', '以 JSON 输出数据'),
})
export type LessonFlags = z.infer<typeof lessonFlags>

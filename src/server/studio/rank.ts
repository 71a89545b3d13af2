/** Ranking drafts: what the model writes, what a person says of it, and how a person agrees with themselves. Files: `stages/rankings.ts`. */
import type { Context, Hono } from 'hono'
import { type Run, UserError } from '../../run/index.ts'
import { pairsOf, type Ranking } from '../../stages/ranking.ts'
import { readRankings, saveRankings, townPrompts } from '../../stages/rankings.ts'
import { wilson } from '../../stages/statistics.ts'
import { modelFolder } from './artifacts.ts'
import { bodyOf } from './form.ts'
import type { Place } from './places.ts'
import { draftsBody, labelBody } from './requests.ts'
import type { Talker } from './talk.ts'

export interface RankParts {
  ownOf(c: Context): Promise<Place>
  placeOf(c: Context): Promise<Place>
  runOf(c: Context): Promise<Run>
  talker: Talker
}

/** One in so many prompts is asked again, drafts in another order, so that a person sees how consistent they are. */
const AGAIN_EVERY = 5

export function rankRoutes(app: Hono, { ownOf, placeOf, runOf, talker }: RankParts): void {
  app.get('/api/runs/:run/rank', async (c) => c.json(summary(await readRankings((await placeOf(c)).folder))))
  app.post('/api/runs/:run/rank/drafts', async (c) => {
    const { model, drafts, skipped } = await bodyOf(c, draftsBody)
    const run = await runOf(c)
    const rankings = await readRankings(run.folder)
    const isDue = skipped === 0 && rankings.length > 0 && rankings.length % AGAIN_EVERY === 0
    const again = isDue ? rankings.at(-AGAIN_EVERY) : undefined
    if (again && again.drafts.length === drafts && !isRepeat(rankings, again))
      return c.json({ prompt: again.prompt, drafts: again.drafts.toReversed(), turn: rankings.length, again: true })
    const prompts = await townPrompts(run.folder)
    if (!prompts)
      throw new UserError(
        'this model knows no town to write about; rank with prompts of your own: xueba rank --prompts FILE',
        '这个模型没读过小镇，没有现成的题目；请用 xueba rank --prompts 题目文件 来排',
      )
    const where = modelFolder(run, model)
    for (let attempt = 0; attempt < 8; attempt++) {
      const turn = rankings.length + skipped + attempt
      const prompt = prompts[turn % prompts.length]!
      const written = await talker.drafts(where, prompt, drafts, 1 + turn * 1000)
      if (written.length >= 2) return c.json({ prompt, drafts: written, turn: rankings.length, again: false })
    }
    throw new UserError('the model writes the same every time', '模型每次写的都一样')
  })
  app.post('/api/runs/:run/rank', async (c) => {
    const { folder } = await ownOf(c)
    const label = await bodyOf(c, labelBody)
    const named = label.ranks.flat()
    const isWhole = named.length === 0 || (named.length === label.drafts.length && new Set(named).size === named.length)
    if (!isWhole || named.some((draft) => draft >= label.drafts.length))
      throw new UserError('ranks: every draft once, please', '每份草稿都要排到，而且只排一次')
    const rankings = [...(await readRankings(folder)), label]
    await saveRankings(folder, rankings)
    return c.json(summary(rankings))
  })
  app.delete('/api/runs/:run/rank/last', async (c) => {
    const { folder } = await ownOf(c)
    const rankings = (await readRankings(folder)).slice(0, -1)
    await saveRankings(folder, rankings)
    return c.json(summary(rankings))
  })
}

const keyOf = ({ prompt, drafts }: Ranking) => JSON.stringify([prompt, drafts.toSorted()])

const isRepeat = (rankings: readonly Ranking[], one: Ranking) =>
  rankings.filter((other) => keyOf(other) === keyOf(one)).length > 1

/** Pairs of drafts that were ordered twice, and how often both times the same way. */
export function summary(rankings: readonly Ranking[]) {
  let [twice, same] = [0, 0]
  const orders = new Map<string, Map<string, number>>()
  for (const ranking of rankings) {
    const known = orders.get(keyOf(ranking)) ?? new Map<string, number>()
    ranking.drafts.forEach((a, i) =>
      ranking.drafts.slice(i + 1).forEach((b, j) => {
        const [first, second] = a < b ? [a, b] : [b, a]
        const order = sign(ranking, i, i + 1 + j) * (a < b ? 1 : -1)
        const pair = JSON.stringify([first, second])
        const before = known.get(pair)
        if (before !== undefined) {
          twice++
          if (before === order) same++
        }
        known.set(pair, order)
      }),
    )
    orders.set(keyOf(ranking), known)
  }
  const { low, high } = wilson(same, twice)
  return { rankings: rankings.length, pairs: rankings.flatMap(pairsOf).length, comparedTwice: twice, same, low, high }
}

/** 1 when draft `a` stands before `b`, -1 behind, 0 beside. */
function sign({ ranks }: Ranking, a: number, b: number): number {
  const at = (draft: number) => ranks.findIndex((rank) => rank.includes(draft))
  return Math.sign(at(b) - at(a))
}

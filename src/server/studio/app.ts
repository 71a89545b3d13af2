/**
 * The studio's routes. Who may ask is checked first (Host, Origin, token: `guard.ts` of the OpenAI server and `token.ts`), then the form of what was
 * sent; a mistake is answered with a sentence in both languages, which the page shows in its own.
 */
import { createReadStream, existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { readRun, type Run, UserError, version } from '../../run/index.ts'
import { ApiError } from '../errors.ts'
import { requireLoopbackHost } from '../guard.ts'
import { streamOf } from '../respond.ts'
import { AHA } from '../../stages/aha/file.ts'
import { shelfOf } from './aha.ts'
import { comparedTables } from './compared.ts'
import { cardOf, documentById, documentsOf, modelFolder, rolloutsOf, rolloutStage, tokenizerFile } from './artifacts.ts'
import { examplesOf } from './examples.ts'
import { bodyOf, NotThere, queryOf } from './form.ts'
import { judgeOf } from './judge.ts'
import { lifeOf } from './life.ts'
import { openLog, type RunLog } from './log.ts'
import type { Place, Places } from './places.ts'
import { furtherRoutes } from './further.ts'
import { rankRoutes } from './rank.ts'
import {
  chatRequest,
  controlBody,
  createBody,
  deleteBody,
  nextRequest,
  scoreRequest,
  tiredRequest,
} from './requests.ts'
import { recipeForm, type StudioRecipes } from './recipes.ts'
import { requireSameOrigin, requireToken } from './token.ts'
import type { Asset } from './static.ts'
import { runStream } from './stream.ts'
import type { Talker } from './talk.ts'
import { tiredOf } from './tired.ts'
import type { Trainers } from './trainers.ts'

export interface StudioParts {
  places: Places
  trainers: Trainers
  talker: Talker
  recipes: StudioRecipes
  assets: ReadonlyMap<string, Asset>
  /** Only names of this machine are answered. */
  loopback: boolean
  /** Asked of everybody; null on loopback. */
  token: string | null
  /** Aborted when the server closes: streams end. */
  closing: AbortSignal
}

const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/** The report is a page of its own with its style inside; it gets no scripts and no origin. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups; frame-ancestors 'none'"

export function createStudio(parts: StudioParts): Hono {
  const { places, trainers, talker, recipes, assets, loopback, token, closing } = parts
  const logs = new Map<string, RunLog>()
  const logOf = (folder: string): RunLog => {
    const known = logs.get(folder) ?? openLog(join(folder, 'events.jsonl'))
    logs.set(folder, known)
    return known
  }
  const app = new Hono()

  app.use(async (c, next) => {
    await next()
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('Referrer-Policy', 'no-referrer')
    c.header('Cross-Origin-Opener-Policy', 'same-origin')
    c.header('Cross-Origin-Embedder-Policy', 'require-corp')
    c.header('Cross-Origin-Resource-Policy', 'same-origin')
    if (!c.res.headers.has('Content-Security-Policy')) c.header('Content-Security-Policy', PAGE_POLICY)
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
  })
  if (loopback) app.use(requireLoopbackHost)
  app.use(requireSameOrigin)
  if (token !== null) app.use(requireToken(token))

  const placeOf = (c: Context): Promise<Place> => places.find(c.req.param('run') ?? '')
  const runOf = async (c: Context): Promise<Run> => readRun((await placeOf(c)).folder)
  /** A run that may be changed. */
  const ownOf = async (c: Context): Promise<Place> => {
    const place = await placeOf(c)
    if (!place.recorded) return place
    throw new UserError(
      'this run is a recording: it can be looked at and talked with',
      '这是录制好的运行，只能看和聊，不能改',
    )
  }

  app.get('/api/studio', (c) => c.json({ version: version(), runs: places.runs }))
  app.get('/api/runs', async (c) => {
    const list = await places.list()
    const cards = await Promise.all(
      list.map((place) =>
        cardOf(place, !place.recorded && trainers.state(place.folder).running).catch(() => undefined),
      ),
    )
    const found = cards.filter((card) => card !== undefined)
    return c.json(found.sort((a, b) => Number(a.recorded) - Number(b.recorded) || b.changed - a.changed))
  })
  app.get('/api/runs/:run', async (c) => {
    const place = await placeOf(c)
    const running = !place.recorded && trainers.state(place.folder).running
    const [card, recipe] = [await cardOf(place, running), await readFile(join(place.folder, 'recipe.yaml'), 'utf8')]
    return c.json({ ...card, recipe, hasReport: existsSync(join(place.folder, 'report.json')) })
  })
  app.get('/api/runs/:run/events', async (c) => {
    const { folder, recorded } = await placeOf(c)
    const gone = new AbortController()
    const given = c.req.header('last-event-id') ?? c.req.query('after')
    const after = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : undefined
    const state = () => (recorded ? { running: false, complaint: null, memory: null } : trainers.state(folder))
    const signal = AbortSignal.any([gone.signal, closing, c.req.raw.signal])
    const stream = streamOf(runStream({ log: logOf(folder), after, state, signal }))
    c.req.raw.signal.addEventListener('abort', () => gone.abort())
    return c.body(stream, 200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
  })
  app.get('/api/runs/:run/report', async (c) => sendFile(c, join((await placeOf(c)).folder, 'report.json')))
  app.get('/api/runs/:run/report.html', async (c) => {
    c.header('Content-Security-Policy', REPORT_POLICY)
    return sendFile(c, join((await placeOf(c)).folder, 'report.html'), 'text/html; charset=utf-8')
  })
  app.get('/api/runs/:run/tokenizer', async (c) => sendFile(c, tokenizerFile(await runOf(c))))
  app.get('/api/runs/:run/documents', async (c) => {
    const { rule, skip, count } = queryOf(c, documentsQuery)
    return c.json(await documentsOf(await runOf(c), { rule, skip, count }))
  })
  app.get('/api/runs/:run/document', async (c) => c.json(await documentById(await runOf(c), c.req.query('id') ?? '')))
  app.get('/api/runs/:run/life', async (c) => c.json(await lifeOf(await runOf(c), c.req.query('id') ?? '')))
  app.get('/api/runs/:run/judge', async (c) => c.json(await judgeOf(await runOf(c))))
  app.get('/api/runs/:run/aha', async (c) => {
    const { folder, recorded } = await placeOf(c)
    const run = await readRun(folder)
    const stage = rolloutStage(run, c.req.query('stage'))
    // The rollouts of a recording are a choice of those there were: what can be counted in them says nothing.
    if (recorded && !existsSync(join(stage.folder, AHA))) return c.json({ moments: [], told: null })
    return c.json(await shelfOf(run, stage))
  })
  app.get('/api/runs/:run/rollouts', async (c) => {
    const { stage, step } = queryOf(c, rolloutsQuery)
    return c.json(await rolloutsOf(await runOf(c), { stage, step }))
  })

  app.get('/api/runs/:run/examples', async (c) => c.json(await examplesOf(await runOf(c), 6)))

  app.post('/api/runs/:run/chat', async (c) => {
    const request = await bodyOf(c, chatRequest)
    const where = modelFolder(await runOf(c), request.model)
    const signal = AbortSignal.any([closing, c.req.raw.signal])
    const answer = talker.chat(where, request, signal)
    const first = await answer.next() // what is wrong with the request shows here
    const stream = streamOf(jsonLines(first, answer))
    return c.body(stream, 200, { 'Content-Type': 'application/x-ndjson; charset=utf-8', 'X-Accel-Buffering': 'no' })
  })
  app.post('/api/runs/:run/next', async (c) => {
    const { model, text, chat } = await bodyOf(c, nextRequest)
    return c.json(await talker.next(modelFolder(await runOf(c), model), text, chat))
  })
  app.post('/api/runs/:run/score', async (c) => {
    const { model, text } = await bodyOf(c, scoreRequest)
    return c.json(await talker.score(modelFolder(await runOf(c), model), text))
  })
  app.post('/api/runs/:run/tired', async (c) => {
    const { model, ...options } = await bodyOf(c, tiredRequest)
    return c.json(await tiredOf(await runOf(c), model, talker, options))
  })

  app.get('/api/compare', async (c) => {
    const { runs } = queryOf(c, compareQuery)
    return c.json(await comparedTables(places, runs.split(',')))
  })

  app.get('/api/recipes', (c) => c.json(recipes.list()))
  app.get('/api/recipes/:name', async (c) => c.json(await recipeForm(c.req.param('name'))))
  app.post('/api/runs', async (c) => {
    const body = await bodyOf(c, createBody)
    const folder = places.fresh(body.name)
    await recipes.prepare(folder, body)
    trainers.start(folder)
    return c.json({ id: basename(folder) }, 201)
  })
  app.post('/api/runs/:run/control', async (c) => {
    const { folder } = await ownOf(c)
    const request = await bodyOf(c, controlBody)
    if (request.type === 'start') trainers.start(folder)
    else trainers.ask(folder, request)
    return c.json({ done: true })
  })
  app.delete('/api/runs/:run', async (c) => {
    const { id, folder } = await ownOf(c)
    const { confirm } = await bodyOf(c, deleteBody)
    if (confirm !== id) throw new UserError('type the name of the run to delete it', '请输入运行的名字来确认删除')
    if (trainers.state(folder).running)
      throw new UserError('a trainer is at work on this run: stop it first', '训练进程还在工作，请先停止')
    logs.delete(folder)
    await rm(folder, { recursive: true })
    return c.json({ done: true })
  })
  furtherRoutes(app, { places, trainers, placeOf })
  rankRoutes(app, { ownOf, runOf, placeOf, talker })

  app.all('/api/*', () => {
    throw new ApiError(404, 'unknown_url', 'There is nothing here.')
  })
  app.get('*', (c) => {
    const asset = assets.get(c.req.path) ?? (c.req.path.includes('.') ? undefined : assets.get('/index.html'))
    if (!asset) return c.text(assets.size === 0 ? NOT_BUILT : 'Not found.', 404)
    const zipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
    return c.body(zipped ? asset.gzip : asset.body, 200, {
      'Content-Type': asset.type,
      'Cache-Control': asset.forever ? 'public, max-age=31536000, immutable' : 'no-cache',
      Vary: 'Accept-Encoding',
      ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
    })
  })
  app.onError((error, c) => {
    if (error instanceof UserError) {
      return c.json({ error: { en: error.message, zh: error.zh } }, error instanceof NotThere ? 404 : 400)
    }
    if (error instanceof ApiError)
      return c.json({ error: { en: error.message, zh: error.message } }, error.status, error.headers)
    console.error(error)
    return c.json({ error: { en: 'The server made a mistake.', zh: '服务器出错了。' } }, 500)
  })
  return app
}

const NOT_BUILT = 'The studio is not built: node xueba.mjs build. 工作室还没有构建：node xueba.mjs build'

const number = z.coerce.number().int().min(0).max(1e9)
const documentsQuery = z.object({
  rule: z.string().max(200).optional(),
  skip: number.default(0),
  count: number.max(100).default(20),
})
const compareQuery = z.object({ runs: z.string().max(600) })
const rolloutsQuery = z.object({ stage: z.string().max(200).optional(), step: number.optional() })

async function* jsonLines(first: IteratorResult<object, void>, rest: AsyncGenerator<object, void, void>) {
  const encoder = new TextEncoder()
  const line = (value: object) => encoder.encode(`${JSON.stringify(value)}\n`)
  if (!first.done) yield line(first.value)
  try {
    for await (const value of rest) yield line(value)
  } catch (error) {
    const said =
      error instanceof UserError ? { en: error.message, zh: error.zh } : { en: String(error), zh: String(error) }
    yield line({ type: 'error', error: said })
  }
}

function sendFile(c: Context, path: string, type = 'application/json'): Response {
  if (!existsSync(path)) throw new NotThere(`there is no ${basename(path)} yet`, `还没有 ${basename(path)}`)
  return c.body(Readable.toWeb(createReadStream(path)) as ReadableStream, 200, { 'Content-Type': type })
}

/**
 * Records a finished run for the studio: `npm run study -- record --run RUN` writes
 * studio/public/recordings/<recipe>-<language>.jsonl.gz, from which the studio unpacks a folder of the run's layout. At most 2 MB, or it says so and fails.
 *
 * Kept whole: recipe, events, manifests, tokenizers, configs. Thinned: documents (the first of each rule, and the twins they are compared with),
 * rollouts (some steps, some groups), the report's data (what the events hold, too, is left out). Weights: 8 bits.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { encodeGgml, fitsGgml, hasWeights, readSafetensorsFile, WEIGHTS_FILE } from '../src/formats/index.ts'
import { readRun } from '../src/run/index.ts'
import { MODEL_KINDS } from '../src/stages/model-folder.ts'
import { shelfOf } from '../src/server/studio/aha.ts'
import { AHA } from '../src/stages/aha/file.ts'
import { JUDGE_FILES } from '../src/server/studio/judge.ts'
import { PAGES, pagesOf } from '../src/server/studio/pages.ts'
import { MOST_RECORDED, recordedFile, type RecordedFile } from '../src/server/studio/recording.ts'

const KEPT = /^(?:manifest|tokenizer|tokenizer_config|config|generation_config)\.json$/
const DOCUMENTS = 60
const PER_RULE = 20
const PAGES_PER_RULE = 20
const ROLLOUT_STEPS = 26
const GROUPS_PER_STEP = 6

/** Throws an Error when the run is not finished, or does not fit. */
export async function recordRun(run: string, out?: string): Promise<void> {
  const found = await readRun(run)
  const { language, name, stages } = found
  const unfinished = stages.filter(({ manifest }) => !manifest)
  if (unfinished.length > 0)
    throw new Error(`${run} is not finished: ${unfinished.map((stage) => stage.name).join(', ')}`)
  const files: RecordedFile[] = []
  const text = (path: string, content = readFileSync(join(run, path), 'utf8')) => files.push({ path, text: content })
  text('recipe.yaml')
  text('events.jsonl')
  if (existsSync(join(run, 'report.json'))) text('report.json', shortReport(run))
  for (const stage of stages) {
    const { folder, kind } = stage
    const at = basename(folder)
    for (const file of readdirSync(folder).sort())
      if (KEPT.test(file) || JUDGE_FILES.includes(file)) text(`${at}/${file}`)
    if (kind === 'corpus') {
      const documents = documentsOf(folder)
      for (const [file, lines] of documents) text(`${at}/${file}`, joined(lines))
      const pages = await pagesOf(found, pagesToKeep(documents))
      text(`${at}/${PAGES}`, joined(Array.from(pages, ([id, html]) => JSON.stringify({ id, html }))))
    }
    if (existsSync(join(folder, 'rollouts.jsonl'))) {
      const { body, index } = rolloutsOf(folder)
      text(`${at}/rollouts.jsonl`, body)
      text(`${at}/rollouts.index.json`, JSON.stringify(index))
      text(`${at}/${AHA}`, JSON.stringify(await shelfOf(found, stage)))
    }
    if (MODEL_KINDS.includes(kind) && hasWeights(folder))
      files.push({ path: `${at}/${WEIGHTS_FILE}`, tensors: await weights(folder) })
  }
  const target = out ?? join(import.meta.dirname, '..', 'studio/public/recordings', `${name}-${language}.jsonl.gz`)
  const lines = files.map((file) => JSON.stringify(recordedFile.parse(file)))
  const bytes = gzipSync(lines.join('\n'), { level: 9 })
  if (bytes.length > MOST_RECORDED) throw new Error(`${bytes.length} bytes: over ${MOST_RECORDED}`)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, bytes)
  console.log(`${target}: ${files.length} files, ${bytes.length} bytes`)
}

function shortReport(run: string): string {
  const report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8')) as Record<string, unknown>
  return JSON.stringify({ ...report, curves: [], samples: [], recipe: {}, yaml: '' })
}

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}

interface Rejected {
  id: string
  rule: string
  detail: string
  of?: string
}

function documentsOf(folder: string): [file: string, lines: string[]][] {
  const kept = linesOf(join(folder, 'documents.jsonl'))
  const all = linesOf(join(folder, 'rejected.jsonl')).map((line) => ({ line, ...(JSON.parse(line) as Rejected) }))
  const counts = new Map<string, number>()
  const shown = all.filter(({ rule }) => {
    counts.set(rule, (counts.get(rule) ?? 0) + 1)
    return counts.get(rule)! <= PER_RULE
  })
  const twins = new Set(
    shown.flatMap(
      ({ of, detail }) =>
        of ?? /(?:same text as|in common with(?: the cluster of)?) (\S+)/.exec(detail)?.slice(1) ?? [],
    ),
  )
  const rejected = all.filter((row) => shown.includes(row) || twins.has(row.id)).map(({ line }) => line)
  const every = Math.max(1, Math.floor(kept.length / DOCUMENTS))
  const chosen = kept.filter((line, i) => i % every === 0 || twins.has((JSON.parse(line) as { id: string }).id))
  const aside = linesOf(join(folder, 'heldout.jsonl'))
  const heldOut = aside.filter((line, i) => i < 20 || twins.has((JSON.parse(line) as { id: string }).id))
  return [
    ['documents.jsonl', chosen],
    ['rejected.jsonl', rejected],
    ['heldout.jsonl', heldOut],
  ]
}

/** Of what is kept, and of each rule, the first few. */
function pagesToKeep(documents: readonly [file: string, lines: string[]][]): Set<string> {
  const counts = new Map<string, number>()
  const rows = documents.flatMap(([, lines]) => lines.map((line) => JSON.parse(line) as { id: string; rule?: string }))
  const chosen = rows.filter(({ rule = 'kept' }) => {
    counts.set(rule, (counts.get(rule) ?? 0) + 1)
    return counts.get(rule)! <= PAGES_PER_RULE
  })
  return new Set(chosen.map(({ id }) => id))
}

/** Steps evenly over the run; of each, groups of different kinds first: those that taught something. */
function rolloutsOf(folder: string): { body: string; index: Record<string, number> } {
  const byStep = new Map<number, string[]>()
  for (const line of linesOf(join(folder, 'rollouts.jsonl'))) {
    const step = Number(/^\{"step":(\d+)/.exec(line)![1])
    byStep.set(step, [...(byStep.get(step) ?? []), line])
  }
  const steps = [...byStep.keys()].sort((a, b) => a - b)
  const every = Math.max(1, (steps.length - 1) / (ROLLOUT_STEPS - 1))
  const chosen = new Set(Array.from({ length: ROLLOUT_STEPS }, (_, i) => steps[Math.round(i * every)]))
  const index: Record<string, number> = {}
  let body = ''
  for (const step of steps) {
    if (!chosen.has(step)) continue
    index[step] = Buffer.byteLength(body)
    const groups = byStep.get(step)!
    const teaching = groups.filter((line) => line.includes('"kept":true'))
    const rest = groups.filter((line) => !teaching.includes(line))
    body += joined([...teaching.slice(0, GROUPS_PER_STEP - 1), ...rest].slice(0, GROUPS_PER_STEP))
  }
  return { body, index }
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

async function weights(folder: string) {
  const { tensors } = await readSafetensorsFile(join(folder, WEIGHTS_FILE))
  return Object.fromEntries(
    Array.from(tensors, ([name, { shape, data }]) => {
      if (!(data instanceof Float32Array) || !fitsGgml('q8_0', shape.at(-1) ?? 0))
        throw new Error(`${name} cannot be kept in 8 bits: its rows are ${shape.at(-1)} long`)
      return [name, { shape, q8: Buffer.from(encodeGgml('q8_0', data)).toString('base64') }]
    }),
  )
}

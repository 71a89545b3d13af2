/**
 * Runs the stages of a run directory in order, in the trainer's process: skips those that are done and current, goes on from
 * the last checkpoint of the one that was interrupted, and writes each manifest last. A failure is an event, and leaves
 * everything on disk as it was.
 */
import { glob, mkdir, stat } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Checkpoint,
  type Control,
  type EventWriter,
  explainFull,
  isCurrent,
  latestCheckpoint,
  openControl,
  openEvents,
  outputHash,
  readEvents,
  readManifest,
  readRecipe,
  type Recipe,
  type RecipeStage,
  runFiles,
  saveCheckpoint,
  seqBeforeStage,
  sha256OfFile,
  sha256OfJson,
  stageFolder,
  takeLock,
  UserError,
  version,
  writeManifest,
} from '../run/index.ts'
import { filesBelow, removeFolder, sweep } from '../run/files.ts'
import { mapDataFiles } from '../run/schema.ts'
import type { Engine } from '../tensor/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import { registry, stages } from './index.ts'
import { type Border, type Earlier, isControl, type StageContext, Stopped } from './stage.ts'
import { findMade, type Made, takeOver } from './take-over.ts'

export interface RunnerOptions {
  /** Refuse data with defects. */
  strict?: boolean
  /** Take over stages that a run beside this one has made from the same options and inputs. */
  share?: boolean
  /** Where control.jsonl ended when this attempt was asked for; requests after that are obeyed. Default: where it ends now. */
  controlFrom?: number
}

/** Trains what is left of a run. Resolves to how it ended; throws a UserError after logging it as `failed`. */
export async function runStages(
  run: string,
  { strict = false, share = false, controlFrom }: RunnerOptions = {},
): Promise<'done' | 'stopped'> {
  const files = runFiles(run)
  const recipe = await readRecipe(files.recipe, registry, { checkFiles: false })
  const lock = takeLock(files.lock)
  const events = openEvents(files.events)
  const runner = new Runner(run, recipe, events, openControl(files.control, controlFrom), { strict, share })
  const begin = performance.now()
  try {
    await runner.start()
    for (let i = 0; i < recipe.stages.length; i++) await runner.stage(i)
    events.stage = undefined
    events.emit({ type: 'done', seconds: (performance.now() - begin) / 1000 })
    return 'done'
  } catch (thrown) {
    if (thrown instanceof Stopped) return 'stopped'
    const error = explainFull(thrown, run, run)
    const message = error instanceof Error ? error.message : String(error)
    try {
      events.emit({ type: 'failed', message, ...(error instanceof UserError ? { zh: error.zh } : {}) })
    } catch {
      // A full disk cannot even take the event: the error itself is what the caller sees.
    }
    throw error
  } finally {
    await runner.close()
    events.close()
    lock.release()
  }
}

class Runner {
  private engine: Promise<Engine> | null = null
  /** The best rate of fused multiply-adds seen so far: measured again and again, as a busy machine shows less. */
  private peak = 0
  private readonly done: (Earlier & { hash: string })[] = []
  private readonly run: string
  private readonly recipe: Recipe
  private readonly events: EventWriter
  private readonly control: Control
  private readonly options: Required<Pick<RunnerOptions, 'strict' | 'share'>>
  private machine = ''

  constructor(run: string, recipe: Recipe, events: EventWriter, control: Control, options: Runner['options']) {
    this.run = run
    this.recipe = recipe
    this.events = events
    this.control = control
    this.options = options
  }

  async start(): Promise<void> {
    await sweep(this.run)
    const { backend } = await this.openEngine()
    const { flags = '', tile = '' } = backend.description as Record<string, string | number>
    this.machine = `${backend.name}, ${backend.threads} threads ${flags} ${tile}`.trim()
    if (backend.name === 'reference' && process.env.XUEBA_CPU !== 'reference')
      this.events.emit({
        type: 'warning',
        code: 'slow-backend',
        message: {
          en: 'neither native nor WebAssembly kernels work here: training on the float64 reference, hundreds of times slower (xueba doctor says why)',
          zh: '原生内核和 WebAssembly 内核在这里都用不了，只能用 float64 参考实现训练，要慢几百倍（xueba doctor 会说明原因）',
        },
      })
    const machine = {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      backend: backend.name,
      threads: backend.threads,
      ...backend.description,
    }
    this.events.emit({
      type: 'started',
      recipe: this.recipe.name,
      language: this.recipe.language,
      version: version(),
      stages: this.recipe.stages.map(({ kind, name }, i) => ({ kind, name, folder: stageFolder(i, name) })),
      machine,
    })
  }

  async stage(index: number): Promise<void> {
    const stage = this.recipe.stages[index]!
    const { kind, name } = stage
    const folder = join(this.run, stageFolder(index, name))
    this.events.stage = basename(folder)
    await this.border({ step: 0, save: async () => {} })
    const wanted = await this.dependencies(stage, folder)
    if (await isCurrent(folder, wanted)) {
      const manifest = (await readManifest(folder))!
      this.events.emit({
        type: 'stage-done',
        kind,
        name,
        seconds: manifest.seconds,
        metrics: manifest.metrics,
        skipped: true,
      })
      this.done.push({ kind, name, folder, control: isControl(stage.config), hash: outputHash(manifest) })
      return
    }
    const key = sha256OfJson(wanted)
    const resume = await this.interrupted(folder, key)
    const made = resume || !this.options.share ? undefined : await findMade(this.run, wanted)
    if (made) return this.takeOver(made, stage, folder)
    if (!resume) await removeFolder(folder)
    await mkdir(folder, { recursive: true })
    const before = (resume?.state as SavedState | undefined)?.seconds ?? 0
    const begin = performance.now()
    const seconds = () => before + (performance.now() - begin) / 1000
    if (resume) {
      this.events.emit({ type: 'resumed', fromSeq: resume.seq, step: resume.step })
      this.warnOtherMachine((resume.state as SavedState).machine)
    } else {
      this.dropUnfinished(basename(folder))
      this.events.emit({ type: 'stage-started', kind, name })
    }
    const metrics = await stages[kind]!.run(this.context(folder, key, resume, seconds), stage.config)
    const manifest = await writeManifest(folder, { ...wanted, name, seconds: seconds(), metrics })
    await removeFolder(join(folder, 'checkpoints'))
    this.events.emit({ type: 'stage-done', kind, name, seconds: manifest.seconds, metrics: manifest.metrics })
    this.done.push({ kind, name, folder, control: isControl(stage.config), hash: outputHash(manifest) })
  }

  private warnOtherMachine(before: string | undefined): void {
    if (before === undefined || before === this.machine) return
    this.events.emit({
      type: 'warning',
      code: 'other-machine',
      message: {
        en: `the checkpoint was made with ${before}, and this is ${this.machine}: the result will differ in its last bits from that of an uninterrupted run`,
        zh: `检查点是用 ${before} 存下的，现在是 ${this.machine}：最后的参数会和没中断过的运行有末位上的差别`,
      },
    })
  }

  /** What another run made, with what it said meanwhile, so that the report shows how the stage went. */
  private async takeOver(made: Made, { kind, name, config }: RecipeStage, folder: string): Promise<void> {
    this.dropUnfinished(basename(folder))
    const manifest = await takeOver(made, folder, name)
    const { seconds, metrics, takenFrom } = manifest
    this.events.emit({ type: 'stage-started', kind, name, takenFrom })
    for (const body of made.said) this.events.emit(body)
    this.events.emit({ type: 'stage-done', kind, name, seconds, metrics, takenFrom })
    this.done.push({ kind, name, folder, control: isControl(config), hash: outputHash(manifest) })
  }

  /** What an earlier attempt said about a stage that now starts over did not happen. */
  private dropUnfinished(stage: string): void {
    const { events } = readEvents(runFiles(this.run).events)
    if (!events.some((e) => e.stage === stage && e.type === 'stage-started')) return
    this.events.emit({ type: 'resumed', fromSeq: seqBeforeStage(events, stage) })
  }

  async close(): Promise<void> {
    if (this.engine) await (await this.engine).close()
  }

  /**
   * Everything a stage's result depends on: its options, seed, language, model, earlier stages and data files. Data that a finished
   * stage has read may be gone by now; an unfinished one cannot do without.
   */
  private async dependencies({ kind, config }: RecipeStage, folder: string) {
    const { seed, language, model } = this.recipe
    const inputs = Object.fromEntries(this.done.map(({ folder, hash }) => [basename(folder), hash]))
    const made = await readManifest(folder)
    for (const file of dataFilesOf(kind, config)) {
      const hash = (await hashOf(file)) ?? made?.inputs[file]
      if (hash !== undefined) inputs[file] = hash
      else throw new UserError(`${file} is missing, and this stage needs it`, `缺少 ${file}，这个阶段要用到它`)
    }
    return { kind, config: { ...config, seed, language, model }, inputs }
  }

  private async interrupted(folder: string, key: string): Promise<Checkpoint | undefined> {
    const { checkpoint, damaged } = await latestCheckpoint(join(folder, 'checkpoints'))
    for (const problem of damaged)
      this.events.emit({
        type: 'warning',
        code: 'damaged-checkpoint',
        message: { en: `passed over a damaged checkpoint: ${problem}`, zh: `跳过了一个损坏的检查点：${problem}` },
      })
    return (checkpoint?.state as SavedState | undefined)?.key === key ? checkpoint : undefined
  }

  /** Floating-point operations a second of a loop of fused multiply-adds, the best of all short runs so far; 0 where there is none. */
  private async measurePeak(): Promise<number> {
    const { backend } = await this.openEngine()
    for (let i = this.peak > 0 ? 9 : 0; i < 10 && backend.peakFlops; i++) {
      const begin = performance.now()
      const flops = backend.peakFlops(1_000_000)
      this.peak = Math.max(this.peak, flops / ((performance.now() - begin) / 1000))
    }
    return this.peak
  }

  private openEngine(): Promise<Engine> {
    return (this.engine ??= openEngine())
  }

  private context(folder: string, key: string, resume: Checkpoint | undefined, seconds: () => number): StageContext {
    const { recipe, events, done, run, machine } = this
    const { strict } = this.options
    const find = (...kinds: string[]) => done.findLast((s) => kinds.includes(s.kind) && !s.control)?.folder
    return {
      run,
      folder,
      seed: recipe.seed,
      language: recipe.language,
      model: recipe.model,
      strict,
      engine: () => this.openEngine(),
      peakFlops: () => this.measurePeak(),
      find,
      latest(...kinds) {
        const found = find(...kinds)
        if (found) return found
        throw new UserError(
          `this stage needs a ${kinds.join(' or ')} stage before it in the recipe`,
          `食谱里这个阶段之前要有 ${kinds.join(' 或 ')} 阶段`,
        )
      },
      earlier: done.slice(),
      emit: (body) => void events.emit(body),
      resume: resume && { ...resume, state: (resume.state as SavedState).state },
      async save(step, state, files) {
        const saved: SavedState = { key, seconds: seconds(), machine, state }
        const { folder: at } = await saveCheckpoint(join(folder, 'checkpoints'), {
          step,
          seq: events.seq,
          state: saved,
          files,
        })
        events.emit({ type: 'checkpoint', step, folder: basename(at) })
      },
      border: (at) => this.border(at),
    }
  }

  private async border(at: Border): Promise<void> {
    let paused = false
    do {
      const { requests, rejected } = this.control.poll()
      for (const line of rejected)
        this.events.emit({
          type: 'warning',
          code: 'unknown-request',
          message: {
            en: `control.jsonl: not a request: ${line.slice(0, 100)}`,
            zh: `control.jsonl：看不懂的请求：${line.slice(0, 100)}`,
          },
        })
      for (const request of requests) {
        if (request.type === 'sample') await at.sample?.(request.prompt)
        if (request.type === 'pause' && !paused) this.events.emit({ type: 'paused', step: at.step })
        if (request.type === 'resume' && paused) this.events.emit({ type: 'continued', step: at.step })
        if (request.type === 'pause') paused = true
        if (request.type === 'resume') paused = false
        if (request.type === 'stop') {
          await at.save()
          this.events.emit({ type: 'stopped', step: at.step })
          throw new Stopped()
        }
      }
      if (paused) await sleep(100)
    } while (paused)
  }
}

/** The data files that a stage's options name, wherever the schema says that a string is one. */
function dataFilesOf(kind: string, config: Record<string, unknown>): string[] {
  const found: string[] = []
  mapDataFiles(stages[kind]!.config, config, (file) => {
    found.push(file)
    return file
  })
  return found
}

/** The sha256 of a data file, or of all files of a folder or glob; undefined when it is gone. */
async function hashOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  const hashes: Record<string, string | undefined> = {}
  if (!found) {
    for await (const file of glob(path)) hashes[file] = await hashOf(file)
    return Object.keys(hashes).length === 0 ? undefined : sha256OfJson(hashes)
  }
  if (!found.isDirectory()) return sha256OfFile(path)
  for (const file of await filesBelow(path)) hashes[file] = await sha256OfFile(join(path, file))
  return sha256OfJson(hashes)
}

/** What the runner adds to a checkpoint's state. */
interface SavedState {
  /** Hash of what the stage depends on: a checkpoint of other options is no start. */
  key: string
  /** Spent on the stage so far. */
  seconds: number
  /** Backend, threads and compiler flags: others give other last bits. */
  machine?: string
  state: unknown
}

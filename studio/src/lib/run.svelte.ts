/**
 * The run that is looked at: its card, and its log folded as it grows. Live, past and recorded runs are the same to every screen. The stream is
 * opened again by the browser when it breaks, with the id of the last event, so that nothing is shown twice and nothing is missed.
 */
import { emptyFold, fold, type Fold, type Plain, type Series } from '../../../src/server/studio/fold.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { get, runPath } from './api.ts'
import type { Report, RunDetails } from './types.ts'

interface RunState {
  running: boolean
  complaint: string | null
  memory: number | null
}

export class RunView {
  readonly id: string
  card = $state<RunDetails | null>(null)
  report = $state<Report | null>(null)
  error = $state<unknown>(null)
  /** False until the log is there, and while the server is away. */
  connected = $state(false)
  running = $state(false)
  complaint = $state<string | null>(null)
  /** Bytes of the trainer's process. */
  memory = $state<number | null>(null)
  /** Rises with every change of the fold, at most once a frame. */
  private version = $state(0)
  private state: Fold = emptyFold()
  private source: EventSource | undefined
  private waiting = false
  private closed = false

  constructor(id: string) {
    this.id = id
    void this.reload()
    this.connect()
  }

  close(): void {
    this.closed = true
    this.source?.close()
  }

  get fold(): Fold {
    void this.version
    return this.state
  }

  get ready(): boolean {
    return this.fold.lastSeq >= 0 || (this.connected && this.card !== null)
  }

  async reload(): Promise<void> {
    try {
      this.card = await get<RunDetails>(runPath(this.id))
      if (this.card.hasReport) this.report = await get<Report>(runPath(this.id, '/report'))
      this.error = null
    } catch (error) {
      this.error = error
    }
  }

  private connect(): void {
    const last = this.state.lastSeq
    const source = new EventSource(runPath(this.id, last < 0 ? '/events' : `/events?after=${last}`))
    this.source = source
    source.addEventListener('open', () => (this.connected = true))
    source.addEventListener('fold', ({ data }) => {
      this.state = JSON.parse(data) as Fold
      this.touch()
    })
    source.addEventListener('event', ({ data }) => this.take(JSON.parse(data) as RunEvent))
    source.addEventListener('state', ({ data }) => {
      const { running, complaint, memory } = JSON.parse(data) as RunState
      if (this.running && !running) void this.reload()
      this.running = running
      this.complaint = complaint
      this.memory = memory
    })
    source.addEventListener('error', () => {
      this.connected = false
      // A refusal ends an EventSource for good, a broken connection does not.
      if (source.readyState === EventSource.CLOSED && !this.closed) setTimeout(() => this.connect(), 1000)
    })
  }

  private take(event: RunEvent): void {
    fold(this.state, event)
    if (['stage-done', 'stage-started', 'checkpoint', 'done'].includes(event.type)) void this.reload()
    this.touch()
  }

  private touch(): void {
    if (this.waiting) return
    this.waiting = true
    // A tab in the background gets no frames; what it shows then is of no use to anybody.
    requestAnimationFrame(() => {
      this.waiting = false
      this.version++
    })
  }

  // What screens ask of it.

  /** The folder of the first stage of a kind that is no control. */
  folderOf(kind: string): string | undefined {
    return (
      this.card?.stages.findLast((stage) => stage.kind === kind && stage.name === kind)?.folder ??
      this.card?.stages.findLast((stage) => stage.kind === kind)?.folder
    )
  }

  series(stage: string | undefined, name: string, split?: string | null): Series | undefined {
    return this.fold.series.find(
      (s) => s.stage === stage && s.name === name && (split === undefined || s.split === split),
    )
  }

  allSeries(stage: string | undefined, name: string): Series[] {
    return this.fold.series.filter((s) => s.stage === stage && s.name === name)
  }

  plain<Type extends Plain['type']>(type: Type, stage?: string): Extract<Plain, { type: Type }>[] {
    return this.fold.plain.filter(
      (event) => event.type === type && (stage === undefined || event.stage === stage),
    ) as Extract<Plain, { type: Type }>[]
  }

  /** What a finished stage measured. */
  metrics(kind: string): Record<string, number | null> {
    const folder = this.folderOf(kind)
    return this.plain('stage-done', folder).at(-1)?.metrics ?? {}
  }

  get paused(): boolean {
    const last = this.fold.plain.findLast(({ type }) => type === 'paused' || type === 'continued' || type === 'resumed')
    return this.running && last?.type === 'paused'
  }

  get status(): 'recorded' | 'running' | 'paused' | 'done' | 'failed' | 'stopped' | 'waiting' {
    if (this.card?.recorded) return 'recorded'
    if (this.running) return this.paused ? 'paused' : 'running'
    if (this.complaint) return 'failed'
    const last = this.fold.plain.findLast(({ type }) =>
      ['done', 'failed', 'stopped', 'resumed', 'started'].includes(type),
    )
    if (last?.type === 'done') return 'done'
    if (last?.type === 'failed') return 'failed'
    return last ? 'stopped' : 'waiting'
  }

  /** The stage at work, or the last that was. */
  get current(): string | undefined {
    return this.plain('stage-started').at(-1)?.stage
  }
}

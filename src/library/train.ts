/** Training by a recipe, in this process. */
import { followEvents, findRecipe, readEvents, type RunEvent, runFiles, UserError } from '../run/index.ts'
import { prepareRun, type PrepareOptions } from '../stages/prepare.ts'
import { runStages } from '../stages/runner.ts'

export interface TrainOptions extends PrepareOptions {
  /** Told of everything that happens: progress, metrics, samples, warnings. */
  onEvent?(event: RunEvent): void
}

/**
 * Trains by a recipe: the name of one that comes with xueba, the path of a .yaml file, or an object with the same keys (paths in it
 * begin at the working directory). Finished stages of a run in `out` are skipped and an interrupted one goes on, as with `xueba run`.
 * Returns the run directory. Throws a RecipeError or a UserError in two languages; what was trained until then stays on disk.
 */
export async function train(recipe: string | object, options: TrainOptions = {}): Promise<string> {
  const run = await prepareRun(typeof recipe === 'string' ? findRecipe(recipe) : recipe, options)
  const over = new AbortController()
  const following = options.onEvent && follow(run, options.onEvent, over.signal)
  try {
    const ended = await runStages(run)
    if (ended === 'stopped') throw new UserError(`${run} was stopped on request`, `${run} 应请求停下了`)
    return run
  } finally {
    // The log is written before runStages returns: what the follower has not seen yet, it reads once more.
    setTimeout(() => over.abort(), 2 * POLL)
    await following
  }
}

const POLL = 50 // ms

async function follow(run: string, tell: (event: RunEvent) => void, signal: AbortSignal): Promise<void> {
  const { events } = runFiles(run)
  const known = readEvents(events).events.at(-1)?.seq ?? -1
  for await (const event of followEvents(events, signal, POLL)) if (event.seq > known) tell(event)
}

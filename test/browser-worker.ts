/** Runs in a browser's worker: opens the engine there, trains, and posts `{ threads, losses }`, or `{ error }`. */
import { openBrowserEngine } from '../src/tensor/index.ts'
import { train } from './train.test-helper.ts'

const { searchParams } = new URL(import.meta.url)

try {
  const engine = await openBrowserEngine({ threads: Number(searchParams.get('threads')) })
  const losses = await train(engine, Number(searchParams.get('steps')))
  await engine.close()
  postMessage({ threads: engine.backend.threads, losses })
} catch (error) {
  postMessage({ error: String(error) })
}

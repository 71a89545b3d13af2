/** A thread that cleans batches: `cleanBatch` behind a port. */
import { workerData } from 'node:worker_threads'
import { cleanBatch } from './clean-batch.ts'
import type { CorpusConfig } from './config.ts'
import { loadLists } from './lists.ts'
import { serve } from './pool.ts'

const config = workerData as CorpusConfig
const lists = await loadLists(config)
serve(
  (batch: Parameters<typeof cleanBatch>[0]) => cleanBatch(batch, config, lists),
  ({ lines, keys, lineHashes }) => [lines.buffer, keys.buffer, lineHashes.buffer] as ArrayBuffer[],
)

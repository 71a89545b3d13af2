/** A thread that tokenises blocks of lines. */
import { workerData } from 'node:worker_threads'
import { serve } from '../corpus/index.ts'
import { encodeBlock } from './encode-block.ts'
import { loadTokenizer } from './tokenizer-folder.ts'

const tokenizer = await loadTokenizer(workerData as string)
serve(
  (block: Uint8Array) => encodeBlock(block, tokenizer),
  ({ tokens }) => [tokens.buffer as ArrayBuffer],
)

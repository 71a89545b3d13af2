/** Learning to read: trains a byte-level BPE tokenizer on the corpus of the run and measures what it gives. */
import { join } from 'node:path'
import { z } from 'zod'
import { readJsonl } from '../formats/index.ts'
import { UserError } from '../run/index.ts'
import { VocabularyTooLarge } from '../tokenizer/index.ts'
import { trainTokenizerOnThreads } from '../tokenizer/threads.node.ts'
import { saveTokenizer } from './model-folder.ts'
import type { Stage } from './stage.ts'

const schema = z.object({
  vocab: z.number().int().min(259).default(2048).describe('size of the vocabulary, special tokens included'),
  hanCap: z
    .union([z.literal(2), z.literal(4), z.literal('none')])
    .default(4)
    .describe('longest run of Han characters counted as one word while learning merges'),
})

/** The texts of a documents.jsonl, one at a time. */
export async function* textsOf(path: string): AsyncGenerator<string> {
  for await (const row of readJsonl(path)) {
    if ('defect' in row)
      throw new UserError(`${path}, line ${row.line}: ${row.defect}`, `${path} 第 ${row.line} 行：${row.defect}`)
    yield (row.value as { text: string }).text
  }
}

export const tokenizer: Stage<z.infer<typeof schema>> = {
  kind: 'tokenizer',
  config: schema,
  async run(context, { vocab, hanCap }) {
    const corpus = context.latest('corpus')
    const texts = textsOf(join(corpus, 'documents.jsonl'))
    const trained = await trainTokenizerOnThreads(texts, { vocabSize: vocab, hanCap }).catch((error: unknown) => {
      if (!(error instanceof VocabularyTooLarge)) throw error
      throw new UserError(
        `stages.tokenizer.vocab: ${error.message}`,
        `stages.tokenizer.vocab：语料太少，学不出 ${vocab} 个词元，最多 ${error.largest} 个；请调小词表，或增加文本。`,
        { cause: error },
      )
    })
    await saveTokenizer(context.folder, trained)
    let [tokens, characters, bytes] = [0, 0, 0]
    for await (const text of textsOf(join(corpus, 'heldout.jsonl'))) {
      tokens += trained.encode(text).length
      characters += [...text].length
      bytes += Buffer.byteLength(text)
    }
    const each = (n: number) => (tokens > 0 ? n / tokens : null) // nothing may have been held out
    return { vocab, charactersPerToken: each(characters), bytesPerToken: each(bytes) }
  },
}

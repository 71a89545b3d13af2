import { expect, test } from 'vitest'
import { UserError } from '../run/index.ts'
import { byteTokenizer } from '../stages/tiny.test-helper.ts'
import { chatPrompt, type Served } from './tasks.ts'

test('what a chat template refuses is the client’s to mend, and says nothing of the server’s folders', () => {
  const tokenizer = byteTokenizer()
  const refuse = (): never => {
    throw new UserError('the chat template of /secret refuses: no system', '…', { cause: new Error('no system') })
  }
  tokenizer.manners = { start: 256, stops: [258], template: { source: '', render: refuse } }
  const served = { tokenizer, vocabSize: 259, context: 64, longest: 1 } as Partial<Served> as Served
  expect(() => chatPrompt(served, [{ role: 'system', content: 'be kind' }])).toThrow(
    expect.objectContaining({
      status: 400,
      param: 'messages',
      message: "Invalid 'messages': the model's chat template refuses them: no system.",
    }),
  )
})

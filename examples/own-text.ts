// A small model of a folder of text: read it, then write like it. node examples/own-text.ts path/to/texts
import { generate, load, train } from 'xueba'

const [texts = 'texts', minutes = '5'] = process.argv.slice(2)
const run = await train(
  {
    name: 'own-text',
    language: 'en',
    stages: [
      { kind: 'corpus', sources: [{ path: texts }] },
      { kind: 'tokenizer', vocab: 1024 },
      { kind: 'pretrain', minutes: Number(minutes) },
      { kind: 'report' },
    ],
  },
  { onEvent: (event) => event.type === 'progress' && console.log(event.step, event.loss) },
)
const model = await load(run)
for await (const text of generate(model, 'Once upon a time')) process.stdout.write(text)
await model.close()

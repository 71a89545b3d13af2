// A model that can already write, yours or a published one, reads a folder of text on top. node examples/fine-tune.ts path/to/model path/to/texts
import { generate, load, train } from 'xueba'

const [model = 'model', texts = 'texts', steps = '200'] = process.argv.slice(2)
const run = await train(
  {
    name: 'fine-tune',
    language: 'en',
    stages: [
      { kind: 'import', model },
      { kind: 'corpus', sources: [{ path: texts }] },
      { kind: 'pretrain', steps: Number(steps), matrixRate: 0.002, rows: 4, time: 64 },
    ],
  },
  { onEvent: (event) => event.type === 'progress' && console.log(event.step, event.loss) },
)
const tuned = await load(run)
for await (const text of generate(tuned, 'Once upon a time')) process.stdout.write(text)
await tuned.close()

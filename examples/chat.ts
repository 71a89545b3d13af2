// Streams an answer. node examples/chat.ts runs/quickstart-en "Who are you?"
import { generate, load } from 'xueba'

const [run, content] = process.argv.slice(2)
const model = await load(run!)
for await (const text of generate(model, [{ role: 'user', content: content! }])) process.stdout.write(text)
await model.close()

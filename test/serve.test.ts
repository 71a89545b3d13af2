/** The verb as a user starts it: says where it listens, finishes what runs at SIGTERM, ends with 0. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endless } from '../src/server/tiny.test-helper.ts'
import { anyEngine, tinyModel, writeModelFolder } from '../src/stages/tiny.test-helper.ts'
import { startXueba, xueba } from './run.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-serve-'))
const model = join(folder, 'tiny')
beforeAll(async () => {
  const engine = await anyEngine()
  await writeModelFolder(model, tinyModel(engine, { maxPositions: 4096 }))
  await engine.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A server that has said where it listens. */
async function start(args: string[], env: Record<string, string> = {}) {
  const child = startXueba(['serve', model, '--port', '0', ...args], env)
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (data: Buffer) => {
      said += data.toString()
      const found = /(http:\S+)\/v1/.exec(said)
      if (found) resolve(found[1]!)
    })
    void child.finished.then(({ err }) => reject(new Error(err)))
  })
  return { child, url, said: () => said }
}

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

it.each(['SIGTERM', 'SIGINT'] as const)(
  'finishes what runs at %s, takes nothing new, and ends with 0',
  async (signal) => {
    const { child, url } = await start([])
    const running = await post(url, { ...endless, stream: true })
    const reader = running.body!.getReader()
    await reader.read() // it runs
    child.kill(signal)
    let text = ''
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += new TextDecoder().decode(part.value)
    expect(text).toMatch(/"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/)
    expect(await child.finished).toMatchObject({ code: 0, err: expect.stringContaining('Finishing what runs') })
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  },
)

it('breaks off at the second signal', async () => {
  const { child, url } = await start([])
  const long = { ...endless, n: 8 }
  const running = post(url, long).then((response) => response.text())
  const watched = expect(running).rejects.toThrow()
  await new Promise((done) => setTimeout(done, 300))
  child.kill('SIGTERM')
  await new Promise((done) => setTimeout(done, 100))
  child.kill('SIGTERM')
  await watched
  expect((await child.finished).code).toBe(0)
})

it('takes its key from the environment or from a file, and needs one for other hosts', async () => {
  const { child, url, said } = await start(['--host', '0.0.0.0'], { XUEBA_API_KEY: 'from-the-environment' })
  expect(said()).toMatch(/tiny: .*with an API key/)
  const local = url.replace('0.0.0.0', '127.0.0.1')
  const ask = { model: 'tiny', messages: [{ role: 'user', content: 'x' }], max_tokens: 2 }
  expect((await post(local, ask)).status).toBe(401)
  expect((await post(local, ask, { Authorization: 'Bearer from-the-environment' })).status).toBe(200)
  child.kill('SIGTERM')
  await child.finished

  const keyless = await xueba(['serve', model, '--host', '0.0.0.0', '--port', '0'])
  expect(keyless).toMatchObject({ code: 1, out: '', err: expect.stringContaining('an API key is needed') })
  const file = join(folder, 'key')
  writeFileSync(file, ' \n')
  expect(await xueba(['serve', model, '--api-key-file', file])).toMatchObject({
    code: 1,
    err: expect.stringContaining('one line'),
  })
  const missing = await xueba(['serve', model, '--api-key-file', join(folder, 'none')], { XUEBA_LANG: 'zh' })
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('读不了') })
})

it('says what is wrong with the command', async () => {
  expect(await xueba(['serve'])).toMatchObject({ code: 2, err: expect.stringContaining('which run or model?') })
  expect(await xueba(['serve', model, '--port', '70000'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--port'),
  })
  expect(await xueba(['serve', join(folder, 'none')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('neither a model'),
  })
  const { child, url } = await start([])
  const taken = await xueba(['serve', model, '--port', new URL(url).port])
  expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('cannot be opened') })
  child.kill('SIGTERM')
  await child.finished
})

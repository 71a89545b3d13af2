/**
 * tensor, nn and tokenizer train in a worker of a real browser, to the very losses of WebAssembly in Node: with two threads where the
 * page is cross-origin isolated, with one where it is not. The server sends the sources as they are, types stripped: no bundler.
 *
 * Skipped where there is no Chromium: /usr/bin/chromium, or what the environment variable CHROMIUM names.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { stripTypeScriptTypes } from 'node:module'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFast } from '../src/tensor/fast.test-helper.ts'
import { train } from './train.test-helper.ts'

const STEPS = 20
const root = join(import.meta.dirname, '..')
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** Serves an empty page at /, and the repository's modules and kernels. */
function serve(headers: Record<string, string>): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost')
    const file = join(root, normalize(pathname))
    const send = (type: string, body: string | Uint8Array) =>
      response.writeHead(200, { 'Content-Type': type, ...headers }).end(body)
    if (pathname === '/') send('text/html', '<!doctype html><title>xueba</title>')
    else if (!existsSync(file)) response.writeHead(404).end()
    else if (file.endsWith('.ts')) send('text/javascript', stripTypeScriptTypes(readFileSync(file, 'utf8')))
    else if (file.endsWith('.wasm')) send('application/wasm', readFileSync(file))
    else response.writeHead(404).end()
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const why = existsSync(executablePath) ? '' : `no Chromium at ${executablePath}: set CHROMIUM to where it is`
if (why) console.warn(`skipped: ${why}`)
const other = process.env.XUEBA_CPU && process.env.XUEBA_CPU !== 'wasm'

describe.skipIf(why || other)('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: FLAGS.split(' ') })
  })
  afterAll(() => browser.close())

  it.each([
    ['isolated', 2, ISOLATION],
    ['not isolated', 1, {}],
  ])('%s: trains as in Node on as many threads (%i)', async (_, threads, headers) => {
    const engine = (await openFast('wasm', threads))!
    const losses = await train(engine, STEPS)
    await engine.close()

    const server = await serve(headers)
    const page = await browser.newPage()
    try {
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      const result = await page.evaluate(
        (url) =>
          new Promise((resolve) => {
            const worker = new Worker(url, { type: 'module' })
            worker.addEventListener('message', ({ data }) => resolve(data))
            worker.addEventListener('error', ({ message }) => resolve({ error: `worker: ${message}` }))
          }),
        `/test/browser-worker.ts?threads=2&steps=${STEPS}`,
      )
      expect(result).toEqual({ threads, losses })
      expect(losses.at(-1)!).toBeLessThan(losses[0]! - 1)
    } finally {
      await page.close()
      server.close()
    }
  })
})

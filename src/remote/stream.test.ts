import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startServer, type TestServer } from './server.test-helper.ts'
import { openRanges, remoteBytes } from './stream.ts'

let server: TestServer
beforeAll(async () => void (server = await startServer()))
afterAll(() => server.close())
const content = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * i) % 251))
beforeEach(() => {
  server.reset()
  server.files.set('/file', content)
})

const url = () => `${server.address}/file`
const manner = () => ({ headers: {}, patience: server.patience })
async function stream() {
  const parts: Uint8Array[] = []
  for await (const part of remoteBytes(url(), manner())) parts.push(part)
  return Buffer.concat(parts)
}
const ranges = () => server.asked.map(({ range }) => range)
/** Sends so many bytes of what was asked for, then hangs up. */
const cutAfter = (bytes: number, status?: number) => {
  return (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => {
    const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
    const goesOn = from > 0 && status !== 200
    const start = goesOn ? from : 0
    response.writeHead(goesOn ? 206 : 200, {
      'Content-Length': content.length - start,
      ...(goesOn ? { 'Content-Range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    })
    response.write(content.subarray(start, start + bytes), () => response.destroy())
  }
}

test('a stream goes on where the connection was cut', async () => {
  server.times(3, '/file', cutAfter(10_000))
  expect(Buffer.compare(await stream(), content)).toBe(0)
  expect(ranges()).toEqual([undefined, 'bytes=10000-', 'bytes=20000-', 'bytes=30000-'])
  expect(server.slept).toEqual([1000, 1000, 1000])
})

test('a server without ranges begins anew; what was had is not given twice', async () => {
  server.times(2, '/file', cutAfter(10_000, 200))
  const { misbehave } = server
  server.misbehave = (request, response) => {
    if (misbehave(request, response)) return true
    response.end(content) // without a length
    return true
  }
  expect(Buffer.compare(await stream(), content)).toBe(0)
})

test('waits as it is told, follows redirects, and gives up in a sentence', async () => {
  server.times(1, '/file', (_, response) => void response.writeHead(429, { 'Retry-After': '3' }).end())
  expect(await stream()).toHaveLength(content.length)
  expect(server.slept).toEqual([3000])
  server.times(1, '/file', (_, response) => void response.writeHead(307, { Location: '/elsewhere' }).end())
  server.files.set('/elsewhere', Buffer.from('there'))
  expect((await stream()).toString()).toBe('there')
  server.times(99, '/file', (_, response) => void response.writeHead(503).end())
  await expect(stream()).rejects.toThrow(/\/file: gave up after 6 tries: 127.0.0.1:\d+ answered 503/)
  server.times(9, '/file', (_, response) => void response.writeHead(404).end())
  await expect(stream()).rejects.toThrow(/404: there is no such file/)
})

test('a connection that says nothing is cut, but a slow reader is not', async () => {
  server.times(1, '/file', (_, response) => {
    response.writeHead(200, { 'Content-Length': content.length })
    response.write(content.subarray(0, 5000))
  })
  expect(Buffer.compare(await stream(), content)).toBe(0)
  expect(ranges()).toEqual([undefined, 'bytes=5000-'])
  server.asked = []
  let bytes = 0
  for await (const part of remoteBytes(url(), manner())) {
    if (bytes === 0) await new Promise((done) => setTimeout(done, 600)) // longer than the silence that is borne
    bytes += part.length
  }
  expect([bytes, ranges()]).toEqual([content.length, [undefined]])
})

test('a file that changes under way is an error', async () => {
  const half = cutAfter(10_000)
  server.times(1, '/file', (request, response) => {
    response.setHeader('ETag', '"old"')
    half(request, response)
  })
  await expect(stream()).rejects.toThrow(/has changed on the server while it was being read/)
})

test('ranges: parts in any order, resumed, and none from a server that has none', async () => {
  const file = (await openRanges(url(), manner()))!
  expect(file.byteLength).toBe(content.length)
  expect(Buffer.compare(Buffer.from(await file.slice(39_000)), content.subarray(39_000))).toBe(0)
  server.times(1, '/file', (_, response) => {
    response.writeHead(206, { 'Content-Range': `bytes 100-20099/${content.length}`, 'Content-Length': 20_000 })
    response.write(content.subarray(100, 5100), () => response.destroy())
  })
  server.asked = []
  expect(Buffer.compare(Buffer.from(await file.slice(100, 20_100)), content.subarray(100, 20_100))).toBe(0)
  expect(ranges()).toEqual(['bytes=100-20099', 'bytes=5100-20099'])
  server.files.set('/file', Buffer.concat([content, content]))
  await expect(file.slice(0, 5)).rejects.toThrow(/has changed/)
  server.times(1, '/file', (_, response) => void response.end(content))
  expect(await openRanges(url(), manner())).toBeUndefined()
})

test('no way to a server is said soon', async () => {
  const lost = remoteBytes('http://nowhere.invalid/file', manner()).next()
  await expect(lost).rejects.toThrow(/nowhere.invalid\/file: no way to the server \(.*\): is this machine online\?/)
  expect(server.slept).toEqual([1000, 2000])
})

/** A server on this machine that sends files as the Hub, Common Crawl and their caches do (ranges, redirects), and misbehaves on request. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  url: string
  range: string | undefined
  authorization: string | undefined
}

export interface TestServer {
  address: string
  /** Path → content. */
  files: Map<string, Uint8Array>
  asked: Asked[]
  /** Milliseconds that `patience` was asked to wait. */
  slept: number[]
  patience: { sleep(ms: number): Promise<void>; silence: number }
  /** Called before the answer; true: it has answered. */
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Misbehaves so many times with requests of paths that hold `part`. */
  times(n: number, part: string, how: (request: IncomingMessage, response: ServerResponse) => void): void
  send(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void
  /** Lets a dataset appear: its listing, and its files below `resolve`, which redirect to `/cdn`. */
  putDataset(name: string, revision: string, files: Record<string, Uint8Array | string>): void
  reset(): void
  close(): Promise<void>
}

export const COMMIT = 'b'.repeat(40)

export async function startServer(): Promise<TestServer> {
  const redirects = new Map<string, string>()
  const server = createServer((request, response) => {
    const { range, authorization } = request.headers
    const url = request.url!
    self.asked.push({ url, range, authorization })
    if (self.misbehave(request, response)) return
    const to = redirects.get(url)
    const bytes = self.files.get(url) ?? self.files.get(decodeURIComponent(new URL(url, self.address).pathname))
    if (to !== undefined) response.writeHead(302, { Location: to }).end()
    else if (bytes === undefined) response.writeHead(404).end()
    else self.send(request, response, bytes)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const self: TestServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files: new Map(),
    asked: [],
    slept: [],
    patience: { sleep: (ms) => (self.slept.push(ms), Promise.resolve()), silence: 400 },
    misbehave: () => false,
    times(n, part, how) {
      self.misbehave = (request, response) => {
        if (!request.url!.includes(part) || n-- <= 0) return false
        how(request, response)
        return true
      }
    },
    send(request, response, bytes) {
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      const start = Number(from ?? 0)
      const end = to ? Math.min(Number(to) + 1, bytes.length) : bytes.length
      const ETag = `"${createHash('sha1').update(bytes).digest('hex')}"`
      if (from === undefined) response.writeHead(200, { 'Content-Length': bytes.length, ETag })
      else if (start >= bytes.length) {
        response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}`, ETag })
        return void response.end()
      } else {
        const range = { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }
        response.writeHead(206, { 'Content-Length': end - start, ...range, ETag })
      }
      response.end(bytes.subarray(start, end))
    },
    putDataset(name, revision, files) {
      const siblings = Object.entries(files).map(([path, content]) => {
        const bytes = Buffer.from(content as Uint8Array)
        const url = `/datasets/${name}/resolve/${COMMIT}/${path}`
        redirects.set(url, `/cdn/${path}`)
        self.files.set(`/cdn/${path}`, bytes)
        const blobId = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
        const lfs = { sha256: createHash('sha256').update(bytes).digest('hex') }
        return { rfilename: path, size: bytes.length, blobId, ...(path.endsWith('.parquet') ? { lfs } : {}) }
      })
      const listing = Buffer.from(JSON.stringify({ sha: COMMIT, siblings }))
      self.files.set(`/api/datasets/${name}/revision/${encodeURIComponent(revision)}?blobs=true`, listing)
    },
    reset() {
      self.files.clear()
      redirects.clear()
      self.asked = []
      self.slept = []
      self.misbehave = () => false
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  return self
}

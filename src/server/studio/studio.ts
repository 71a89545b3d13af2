/** The studio's server: opens it on a folder of runs, and closes it. It holds no state of a run: everything lies in the run's folder. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { packageRoot } from '../../run/index.ts'
import { isLoopback } from '../guard.ts'
import { listen } from '../listen.ts'
import { createStudio } from './app.ts'
import { createPlaces } from './places.ts'
import type { CreateBody } from './requests.ts'
import { shippedRecipes } from './recipes.ts'
import { readAssets } from './static.ts'
import { createTalker } from './talk.ts'
import { createTrainers, type Launch } from './trainers.ts'

export interface StudioOptions {
  /** The folder of runs. It need not exist. */
  runs: string
  host: string
  /** 0: any that is free. */
  port: number
  /** Where others than this machine reach the host; made up when it is not given. */
  token?: string
  launch: Launch
  prepare(folder: string, body: CreateBody): Promise<void>
  /** Where the built page and the recordings lie. Default: dist/studio of the package. */
  site?: string
}

export interface StudioServer {
  /** With the token, where there is one. */
  url: string
  close(): Promise<void>
}

const siteFolder = () => join(packageRoot(), 'dist', 'studio')

/** Whether there is a page to show. */
export const isStudioBuilt = (): boolean => existsSync(join(siteFolder(), 'index.html'))

export async function openStudio(options: StudioOptions): Promise<StudioServer> {
  const { runs, host, port, launch, prepare, site = siteFolder() } = options
  const loopback = isLoopback(host)
  const token = loopback ? null : (options.token ?? randomBytes(18).toString('base64url'))
  const talker = createTalker()
  const closing = new AbortController()
  const app = createStudio({
    places: createPlaces(runs, join(site, 'recordings')),
    trainers: createTrainers(launch),
    talker,
    recipes: { list: shippedRecipes, prepare },
    assets: readAssets(site),
    loopback,
    token,
    closing: closing.signal,
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5000 },
  }) as Server
  server.maxConnections = 256
  await listen(server, port, host)
  const at = server.address() as AddressInfo
  const origin = `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  return {
    url: token === null ? origin : `${origin}/?token=${token}`,
    async close() {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const timer = setTimeout(() => server.closeAllConnections(), 1000)
      server.closeIdleConnections()
      await closed
      clearTimeout(timer)
      await talker.close()
    },
  }
}

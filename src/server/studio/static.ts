/**
 * The built page: its files are read once and kept, with their gzip. Names with a hash in them may be cached for ever; the page itself is asked
 * for again. Paths that are no file are the page's own (its screens), so they get the page.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { gzipSync } from 'node:zlib'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}

export interface Asset {
  type: string
  body: Uint8Array<ArrayBuffer>
  gzip: Uint8Array<ArrayBuffer>
  /** Its name changes with its content. */
  forever: boolean
}

/** By path: `/assets/index-abc.js`. Empty where the page is not built. */
export function readAssets(folder: string): Map<string, Asset> {
  const assets = new Map<string, Asset>()
  if (!existsSync(join(folder, 'index.html'))) return assets
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = TYPES[extname(file)]
    if (!type) continue
    const body = new Uint8Array(readFileSync(join(folder, file)))
    const path = `/${file.split(sep).join('/')}`
    assets.set(path, { type, body, gzip: new Uint8Array(gzipSync(body)), forever: path.startsWith('/assets/') })
  }
  return assets
}

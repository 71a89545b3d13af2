/** Who may ask: the API key, the Host header on loopback, web pages of other origins. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { cors } from 'hono/cors'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './errors.ts'

/** Addresses that only this machine reaches. */
export const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** Is this request's `Authorization: Bearer …` the key? The time it takes does not depend on where they differ. */
export function keyCheck(key: string): (header: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(key)
  return (header) => timingSafeEqual(digest(/^Bearer (.*)$/i.exec(header ?? '')?.[1] ?? ''), expected)
}

export function requireKey(key: string): MiddlewareHandler {
  const isKey = keyCheck(key)
  return (c, next) => {
    if (isKey(c.req.header('authorization'))) return next()
    const given = c.req.header('authorization') !== undefined
    throw new ApiError(
      401,
      'invalid_api_key',
      given ? 'Incorrect API key provided.' : 'An API key is needed: send it as "Authorization: Bearer KEY".',
      { headers: { 'WWW-Authenticate': 'Bearer' } },
    )
  }
}

/** Refuses names that are not this machine's own: a web page whose name was pointed at 127.0.0.1 (DNS rebinding) sends its own. */
export const requireLoopbackHost: MiddlewareHandler = (c, next) => {
  const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  if (!isLoopback(host.toLowerCase()))
    throw new ApiError(403, 'forbidden_host', 'This server answers to localhost, 127.0.0.1 and [::1] only.')
  return next()
}

/** Answers pages of these origins (`*`: of all); refuses what other pages send, which a browser would send without asking. */
export function originGuard(allowed: readonly string[]): MiddlewareHandler {
  const all = allowed.includes('*')
  const withHeaders = cors({
    origin: all ? '*' : [...allowed],
    allowMethods: ['GET', 'POST'],
    exposeHeaders: ['Retry-After'],
    maxAge: 600,
  })
  return (c, next) => {
    const origin = c.req.header('origin')
    if (origin === undefined) return next()
    if (all || allowed.includes(origin)) return withHeaders(c, next)
    throw new ApiError(403, 'forbidden_origin', 'Web pages of this origin may not use this server (--allow-origin).')
  }
}

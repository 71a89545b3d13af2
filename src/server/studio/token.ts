/**
 * The token that everybody needs where others than this machine reach the studio. A link carries it once (`/?token=…`); the answer keeps it in a
 * cookie that scripts cannot read and other sites cannot make the browser send, and leads on to the same place without it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { ApiError } from '../errors.ts'

const COOKIE = 'xueba-studio'

export function requireToken(token: string): MiddlewareHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(token)
  const isToken = (text: string | undefined) => text !== undefined && timingSafeEqual(digest(text), expected)
  return async (c, next) => {
    const given = c.req.query('token')
    if (isToken(given) && c.req.method === 'GET') {
      const to = new URL(c.req.url)
      to.searchParams.delete('token')
      setCookie(c, COOKIE, given!, { httpOnly: true, sameSite: 'Strict', path: '/' })
      return c.redirect(to.pathname + to.search)
    }
    const bearer = /^Bearer (.*)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (isToken(getCookie(c, COOKIE)) || isToken(bearer)) return next()
    throw new ApiError(401, 'token', 'This studio needs its token: open the link that was printed when it started.')
  }
}

/** Pages of other origins get nothing: a browser says where a request comes from, and our own page comes from the host it asks. */
export const requireSameOrigin: MiddlewareHandler = (c, next) => {
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  const own = origin === undefined || hostOf(origin) === (c.req.header('host') ?? '').toLowerCase()
  // A link from elsewhere may open the page; it may not load parts of it, nor ask the API.
  const isVisit =
    c.req.header('sec-fetch-mode') === 'navigate' && c.req.method === 'GET' && !c.req.path.startsWith('/api')
  if (own && (site === undefined || site === 'same-origin' || site === 'none' || isVisit)) return next()
  throw new ApiError(403, 'forbidden_origin', 'Web pages of other origins may not use the studio.')
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase()
}

/** Errors as the API reports them: a status, and `{error: {message, type, param, code}}`. */
import type { ContentfulStatusCode } from 'hono/utils/http-status'

export class ApiError extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string | null
  /** The parameter that is wrong. */
  readonly param: string | null
  readonly headers: Record<string, string>

  constructor(
    status: ContentfulStatusCode,
    code: string | null,
    message: string,
    { param = null, headers = {} }: { param?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.param = param
    this.headers = headers
  }

  get body() {
    const type =
      this.status >= 500 ? 'server_error' : this.status === 429 ? 'rate_limit_error' : 'invalid_request_error'
    return { error: { message: this.message, type, param: this.param, code: this.code } }
  }
}

/** A parameter that is wrong: status 400. */
export const invalid = (param: string, message: string, code = 'invalid_value') =>
  new ApiError(400, code, message, { param })

export const CLIENT_GONE = new ApiError(400, 'client_gone', 'The client went away.')

/** Anything thrown, as what the client may know of it; what nobody foresaw is told to the operator. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  console.error(error)
  return new ApiError(500, 'internal_error', 'The server had an error while processing your request.')
}

/** Reading what a page sends, by its form; and the error for what is not there. */
import type { Context } from 'hono'
import type { z } from 'zod'
import { UserError } from '../../run/index.ts'
import { readJson } from '../body.ts'

/** Answered with status 404. */
export class NotThere extends UserError {}

export const bodyOf = async <Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.output<Schema>> =>
  checked(schema, await readJson(c))

export const queryOf = <Schema extends z.ZodType>(c: Context, schema: Schema): z.output<Schema> =>
  checked(schema, c.req.query())

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  const where = path.map(String).join('.') || 'the request'
  throw new UserError(`${where}: ${message}`, `${where}：${message}`)
}

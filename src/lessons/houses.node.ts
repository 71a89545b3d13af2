/** Houses from a CSV file, with or without a line of column names. */
import { readFile } from 'node:fs/promises'
import { UserError } from '../run/index.ts'
import type { House } from './house-price.ts'

export interface Columns {
  /** A column's name, or its number from 1. Default: the first, and the last. */
  area?: string
  price?: string
}

/** Throws a UserError naming the line and column that is no number. */
export async function readHouses(path: string, columns: Columns = {}): Promise<House[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UserError(`${path} cannot be read: ${String(error)}`, `读不了 ${path}：${String(error)}`)
  })
  const lines = text.split(/\r?\n/).map((line, i) => ({ fields: line.split(',').map(unquote), number: i + 1 }))
  const rows = lines.filter(({ fields }) => fields.some((field) => field !== ''))
  const first = rows[0]?.fields ?? []
  const hasNames = first.some((field) => !isNumber(field))
  const names = hasNames ? first : first.map((_, i) => String(i + 1))
  const [area, price] = [find(path, names, columns.area ?? names[0]), find(path, names, columns.price ?? names.at(-1))]
  const value = (fields: readonly string[], at: number, line: number) => {
    if (isNumber(fields[at])) return Number(fields[at])
    const found = fields[at] === undefined ? 'nothing' : `"${fields[at]}"`
    throw new UserError(
      `${path}, line ${line}, column ${names[at]}: ${found}, expected a number`,
      `${path} 第 ${line} 行，${names[at]} 列：应为数字，实际是 ${found}`,
    )
  }
  const houses = rows
    .slice(hasNames ? 1 : 0)
    .map(({ fields, number }) => ({ area: value(fields, area, number), price: value(fields, price, number) }))
  if (houses.length >= 2) return houses
  throw new UserError(
    `${path}: ${houses.length} houses; a line needs two at least`,
    `${path}：只有 ${houses.length} 套房子，至少要两套`,
  )
}

const unquote = (field: string) => field.trim().replace(/^"(.*)"$/, '$1')

const isNumber = (field: string | undefined) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(field ?? '')

function find(path: string, names: readonly string[], wanted: string | undefined): number {
  const at = names.indexOf(wanted ?? '')
  const byNumber = /^\d+$/.test(wanted ?? '') ? Number(wanted) - 1 : -1
  const found = at >= 0 ? at : byNumber
  if (found >= 0 && found < names.length) return found
  throw new UserError(
    `${path} has no column "${wanted}"; there are: ${names.join(', ')}`,
    `${path} 里没有“${wanted}”这一列；现有：${names.join('、')}`,
  )
}

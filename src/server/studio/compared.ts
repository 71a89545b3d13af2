/** Several finished runs side by side, as `xueba compare` tells it, in both languages at once, so that a page can change its own. */
import { compareRuns } from '../../stages/compare/compare.ts'
import { type Table, tablesOf } from '../../stages/compare/table.ts'
import type { Place, Places } from './places.ts'

export interface ComparedTables {
  runs: string[]
  zh: Table[]
  en: Table[]
}

/** Throws a UserError for fewer than two, and for one that is not finished. */
export async function comparedTables(places: Places, ids: readonly string[]): Promise<ComparedTables> {
  const found: Place[] = []
  for (const id of ids) found.push(await places.find(id))
  const compared = await compareRuns(found.map(({ folder }) => folder))
  return { runs: [...ids], zh: tablesOf(compared, 'zh'), en: tablesOf(compared, 'en') }
}

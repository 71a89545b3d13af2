/** The lesson of src/lessons/house-price.ts in the page: the engine is WebAssembly, one thread. */
import { fitHouses, HOUSES, type Line, type Look } from '../../../src/lessons/house-price.ts'
import { openBrowserEngine } from '../../../src/tensor/open.ts'

export { HOUSES, type Look }

export interface Lesson {
  best: Line & { error: number }
  look(line: Line): Promise<Look>
  /** Where so many steps lead from a line. */
  step(line: Line, count: number): Promise<Look>
  close(): Promise<void>
}

export async function openHouses(): Promise<Lesson> {
  const engine = await openBrowserEngine({ threads: 1 })
  const walk = async ({ w, b }: Line, steps: number): Promise<Look> => {
    let last: Look | undefined
    for await (const look of fitHouses(engine, HOUSES, steps, { w, b }).looks) last = look
    return last!
  }
  return {
    best: fitHouses(engine, HOUSES, 0).best,
    look: (line) => walk(line, 0),
    step: walk,
    close: async () => engine.close(),
  }
}

/** Planted pages: templates in which `{a|b}` is one of two, filled in every way that a number chooses. See unhealthy/*.pages.txt. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Page {
  kind: 'gambling' | 'adult' | 'drugs' | 'toxic' | 'none'
  language: 'en' | 'zh'
  text: string
}

export const sets = ['dev', 'held-out', 'fresh', 'fresh2', 'fresh3'] as const

/** Up to `variants` different fillings of every template. */
export function plantedPages(set: (typeof sets)[number], variants = 4): Page[] {
  const file = readFileSync(join(import.meta.dirname, 'unhealthy', `${set}.pages.txt`), 'utf8')
  return file
    .split(/^== /m)
    .slice(1)
    .flatMap((block) => {
      const at = block.indexOf('\n')
      const [kind, language] = block.slice(0, at).split(' ') as [Page['kind'], Page['language']]
      const texts = Array.from({ length: variants }, (_, variant) => fill(block.slice(at + 1).trim(), variant))
      return [...new Set(texts)].map((text) => ({ kind, language, text }))
    })
}

/** The nth choice follows the nth binary digit of the variant; choices beyond begin anew. */
function fill(template: string, variant: number): string {
  let n = 0
  return template.replace(/\{([^{}|]*)\|([^{}]*)\}/g, (_, a: string, b: string) => ((variant >> (n++ % 2)) & 1 ? b : a))
}

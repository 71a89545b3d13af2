/**
 * The town's web, as a crawler finds it: every page inside navigation, advertisements, cookie banner and footer, among
 * spam, gambling, adult and drug pages (in harmless wording), pages in other languages, copies, near-copies, pages that carry
 * e-mail addresses and telephone numbers, empty shells and one-liners. What a corpus stage should do with a page is its `kind`.
 * Host names end in `.example`; the numbers and addresses are those reserved for fiction and documentation, or an operator's own hotline.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import type { Junk, Language } from './data.ts'
import { fill, JUNK } from './data.ts'
import { renderHtml } from './html.ts'
import type { Page, PageKind } from './pages.ts'
import type { Fact, World } from './world.ts'

export type CrawlKind =
  | PageKind
  | keyof Junk['kinds']
  | 'foreign'
  | 'duplicate'
  | 'near-duplicate'
  | 'personal'
  | 'boilerplate'
  | 'short'

export interface CrawledPage {
  url: string
  html: string
  kind: CrawlKind
  facts?: Fact[]
}

/** Junk of each kind, as a share of the good pages. Real crawls hold far more: FineWeb keeps a few per cent of what it reads. */
const SHARES: Record<Exclude<CrawlKind, PageKind>, number> = {
  spam: 0.05,
  gambling: 0.03,
  adult: 0.03,
  drugs: 0.03,
  foreign: 0.05,
  duplicate: 0.05,
  'near-duplicate': 0.05,
  personal: 0.03,
  boilerplate: 0.03,
  short: 0.03,
}

/** Every page once, with junk between them in random order. */
export function makeCrawl(world: World, pages: readonly Page[]): CrawledPage[] {
  const { language } = world
  const junk = JUNK[language]
  const r = random(world.seed, `crawl ${language}`)
  let serial = 1000
  const publish = (page: Page, kind: CrawlKind, domains = junk.domains, lang: string = language): CrawledPage => {
    const url = `https://${r.pick(domains)}/${page.kind}/${serial++}.html`
    const html = renderHtml(page, { chrome: language, lang, design: r.below(4), r })
    return page.facts.length > 0 ? { url, html, kind, facts: page.facts } : { url, html, kind }
  }

  const good = pages.map((page) => publish(page, page.kind))
  const bad = Object.entries(SHARES).flatMap(([name, share]) => {
    const kind = name as keyof typeof SHARES
    return Array.from({ length: Math.ceil(share * pages.length) }, (): CrawledPage => {
      switch (kind) {
        case 'duplicate': {
          const original = r.pick(good)
          return { ...original, url: `${original.url}?from=share${serial++}`, kind }
        }
        case 'near-duplicate':
          return publish(nearCopy(r.pick(pages), junk, r), kind)
        case 'personal':
          return publish(withContact(r.pick(pages), junk, language, r), kind)
        case 'foreign': {
          const { title, paragraphs, language: lang } = r.pick(junk.foreign)
          return publish(plain(title, paragraphs), kind, junk.domains, lang)
        }
        case 'boilerplate':
          return publish(plain('', [r.pick(junk.boilerplate)]), kind)
        case 'short':
          return publish(plain(r.pick(junk.sidebar), [r.pick(junk.short)]), kind)
        default: {
          const { domains, titles, sentences } = junk.kinds[kind]
          return publish(junkPage(r.pick(titles), sentences, language, r), kind, domains)
        }
      }
    })
  })
  return r.shuffle([...good, ...bad])
}

// --- internal ---

function plain(title: string, lines: string[]): Page {
  return { kind: 'article', title, lines, facts: [] }
}

/** Three paragraphs of the same few sentences, over and over, as such pages are. */
function junkPage(title: string, sentences: readonly string[], language: Language, r: Random): Page {
  const paragraph = () =>
    r
      .shuffle(sentences)
      .slice(0, 4)
      .join(language === 'zh' ? '' : ' ')
  return plain(title, [paragraph(), paragraph(), paragraph()])
}

/** The same text with an editor's note, and without its last line. */
function nearCopy(page: Page, junk: Junk, r: Random): Page {
  const lines = page.lines.length > 2 ? page.lines.slice(0, -1) : page.lines
  return { ...page, lines: [...lines, r.pick(junk.edits)] }
}

/** The same text with a sentence that gives an e-mail address, a telephone number or an IP address away. */
function withContact(page: Page, junk: Junk, language: Language, r: Random): Page {
  const digits = (count: number) => Array.from({ length: count }, () => r.below(10)).join('')
  const slots = {
    email: `user${digits(4)}@mail.example.com`,
    phone: language === 'zh' ? '13800138000' : `+1 (212) 555-01${digits(2)}`,
    ip: `203.0.113.${r.below(256)}`,
  }
  return { ...page, lines: [...page.lines, fill(r.pick(junk.contact), slots)] }
}

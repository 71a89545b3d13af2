import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseHTML } from 'linkedom'
import { describe, expect, test } from 'vitest'
import { parseHttp, readWarc } from '../formats/index.ts'
import { arithmetic } from '../tasks/index.ts'
import { writeCrawl, writeWorld } from './crawl.node.ts'
import { makeCrawl } from './crawl.ts'
import type { Language } from './data.ts'
import { makePages } from './pages.ts'
import { makeWorld } from './world.ts'

const languages: Language[] = ['zh', 'en']

describe.each(languages)('crawl (%s)', (language) => {
  const world = makeWorld({ language, seed: 5, size: 20 })
  const pages = makePages(world, { rounds: 2 })
  const crawl = makeCrawl(world, pages)
  const ofKind = (kind: string) => crawl.filter((page) => page.kind === kind)

  test('is deterministic, holds every page once, and every kind of junk', () => {
    expect(makeCrawl(world, pages)).toEqual(crawl)
    expect(new Set(crawl.map((page) => page.url)).size).toBe(crawl.length)
    const junk = ['spam', 'gambling', 'adult', 'drugs', 'foreign', 'boilerplate', 'short', 'personal']
    for (const kind of [...junk, 'duplicate', 'near-duplicate']) expect(ofKind(kind).length).toBeGreaterThan(0)
    expect(ofKind('article')).toHaveLength(40)
  })

  test('the paragraphs of a page are in its HTML, among furniture', () => {
    const page = pages.find((one) => one.kind === 'story')!
    const html = crawl.find(
      (one) => one.kind === 'story' && page.lines.every((line) => one.html.includes(line.replaceAll('"', '&quot;'))),
    )!.html
    const { document } = parseHTML(html)
    expect(document.querySelector('h1')!.textContent).toBe(page.title)
    expect([...document.querySelectorAll('p')].map((p) => p.textContent)).toEqual(expect.arrayContaining(page.lines))
    expect(document.querySelectorAll('a').length).toBeGreaterThan(5)
  })

  test('copies repeat a page under another address, and personal pages carry an address to remove', () => {
    const bodies = new Map(crawl.filter((p) => p.kind !== 'duplicate').map((p) => [p.html, p.url]))
    for (const copy of ofKind('duplicate')) expect(bodies.get(copy.html)).not.toBe(copy.url)
    for (const page of ofKind('personal'))
      expect(page.html).toMatch(/@mail\.example\.com|203\.0\.113\.|13800138000|555-01/)
  })

  test('every host is in a domain that exists only for examples', () => {
    for (const { url } of crawl) expect(new URL(url).hostname).toMatch(/\.example$/)
  })

  test('is written as WARC and read back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xueba-crawl-'))
    try {
      const path = join(folder, 'town.warc.gz')
      await writeCrawl(path, crawl)
      const read: { url: string; html: string }[] = []
      for await (const record of readWarc(path)) {
        if ('defect' in record) throw new Error(record.defect)
        if (record.type !== 'response') continue
        const http = parseHttp(record.content)
        if (http === undefined || 'defect' in http) throw new Error('no HTTP response')
        read.push({ url: record.url!, html: new TextDecoder().decode(http.body) })
      }
      expect(read).toEqual(crawl.map(({ url, html }) => ({ url, html })))
      expect(await readdir(folder)).toEqual(['town.warc.gz'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a whole world is two files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xueba-world-'))
    try {
      const { textbooks } = await writeWorld(folder, world, arithmetic({ language }).train(60, 1))
      expect((await readdir(folder)).toSorted()).toEqual(['textbooks.jsonl', 'web.warc.gz'])
      const lines = (await readFile(textbooks, 'utf8')).trimEnd().split('\n')
      for (const line of lines) expect(Object.keys(JSON.parse(line))).toEqual(['id', 'text'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/**
 * `npm run study -- shots [--url http://127.0.0.1:5170] [--out studio/shots]`: every screen of the studio in both languages, light and dark, desktop and
 * phone, both depths, for people to look at. A page that says anything on its console, or scrolls sideways, is named, and fails it.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

export const SCREENS = [
  'map',
  'lesson',
  'corpus',
  'tokenizer',
  'pretrain',
  'sampling',
  'sft',
  'preferences',
  'rl',
  'chat',
  'memory',
  'runs',
]
const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } }
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export interface ShotOptions {
  url: string
  out: string
  screens?: readonly string[]
  /** Another run than the recordings, in both languages. */
  run?: string
  /** Fewer: desktop, light, story of each language only. */
  quick?: boolean
}

export const openChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    args: '--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split(
      ' ',
    ),
  })

/** What was wrong, a line each. */
export async function takeShots({ url, out, screens = SCREENS, run, quick = false }: ShotOptions): Promise<string[]> {
  mkdirSync(out, { recursive: true })
  const browser = await openChromium()
  const problems: string[] = []
  try {
    for (const [size, viewport] of Object.entries(SIZES))
      for (const colorScheme of ['light', 'dark'] as const) {
        if (quick && (size === 'phone' || colorScheme === 'dark')) continue
        const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
        const page = await context.newPage()
        let at = ''
        page.on('console', (message) => {
          if (['error', 'warning'].includes(message.type())) problems.push(`${at}: ${message.text()}`)
        })
        page.on('pageerror', (error) => problems.push(`${at}: ${error.message}`))
        for (const lang of ['zh', 'en'])
          for (const depth of ['story', 'workbench'])
            for (const screen of screens) {
              if (quick && depth === 'workbench') continue
              at = [screen, lang, size, colorScheme, depth].join('-')
              await page.goto(`${url}/${screen}?run=${run ?? `@quickstart-${lang}`}&lang=${lang}&depth=${depth}`)
              await page.waitForSelector('main h1')
              await settle(page, screen)
              const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
              if (wide > 0) problems.push(`${at}: ${wide} pixels too wide`)
              await page.screenshot({ path: join(out, `${at}.png`), fullPage: true })
            }
        await context.close()
      }
  } finally {
    await browser.close()
  }
  return problems
}

/** Touches the screen as a first-time visitor would, and waits for what comes. */
async function settle(page: Page, screen: string): Promise<void> {
  const press = (name: RegExp) => page.getByRole('button', { name }).first().click()
  if (screen === 'lesson') for (let n = 0; n < 3; n++) await press(/One step|走一步/)
  if (screen === 'memory') await press(/^(Recite|背)$/)
  if (screen === 'preferences')
    await press(/Let it write|让它写/)
      .then(() => page.waitForSelector('.draft'))
      .catch(() => {})
  if (screen === 'sampling' || screen === 'corpus')
    await press(/One sum|同一道题|Its life|看它的一生/)
      .then(() => page.waitForSelector('.times, .life'))
      .catch(() => {})
  if (screen === 'chat') {
    await page.locator('main .row button').last().click()
    await page.waitForSelector('button.token').catch(() => {})
  }
  await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {}) // a stream of events stays open
  await page.waitForTimeout(screen === 'chat' || screen === 'memory' ? 900 : 250)
}

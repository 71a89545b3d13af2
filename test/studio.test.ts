/**
 * The studio in a real browser: a newcomer's first minute with the recording, and a whole run from the page: started, watched, paused, talked with,
 * reloaded, its server restarted, stopped, deleted. Nothing may appear on the console.
 *
 * Skipped where there is no Chromium (/usr/bin/chromium, or what CHROMIUM names) or the page is not built (`node xueba.mjs test` builds it).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, openChromium } from '../scripts/screenshots.ts'
import { startXueba, trainerOf } from './run.test-helper.ts'

const built = existsSync(join(import.meta.dirname, '../dist/studio/index.html'))
const why = !existsSync(chromiumPath) ? `no Chromium at ${chromiumPath}` : built ? '' : 'the studio is not built'
if (why) console.warn(`skipped: ${why}`)

describe.skipIf(why)('the studio', { timeout: 240_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'xueba studio '))
  const runs = join(base, 'runs')
  let browser: Browser
  let page: Page
  let server: ReturnType<typeof startXueba>
  let url = ''
  let said: string[] = []

  function serve(port: number): Promise<string> {
    server = startXueba(['studio', '--port', String(port), '--runs', runs])
    let text = ''
    return new Promise((resolve, reject) => {
      server.stdout!.on('data', (part: Buffer) => {
        text += part.toString()
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
        if (found) resolve(found[0])
      })
      void server.finished.then(({ err }) => reject(new Error(err)))
    })
  }
  const endServer = async () => {
    server.kill('SIGTERM')
    await server.finished
  }
  async function tab(): Promise<Page> {
    const fresh = await (
      await browser.newContext({ locale: 'en-GB', viewport: { width: 1200, height: 850 } })
    ).newPage()
    fresh.setDefaultTimeout(60_000)
    fresh.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) said.push(message.text())
    })
    fresh.on('pageerror', (error) => said.push(String(error)))
    return fresh
  }
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' }).first()
  const status = () => page.locator('header [role=status]')

  beforeAll(async () => {
    url = await serve(0)
    browser = await openChromium()
    page = await tab()
  }, 120_000)
  afterAll(async () => {
    await browser.close()
    const pid = existsSync(join(runs, 'mine')) ? trainerOf(join(runs, 'mine')) : undefined
    if (pid) process.kill(pid, 'SIGKILL')
    await endServer()
    rmSync(base, { recursive: true, force: true })
  })
  afterEach(() => {
    const all = said
    said = []
    expect(all).toEqual([])
  })

  it('opens on the recording, with little to load', async () => {
    await page.goto(url)
    await page.getByText('The same question, asked after each stage').waitFor()
    expect(await page.locator('ol.river li').count()).toBe(7)
    const loaded = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => name.endsWith('.js'))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    )
    expect(loaded).toBeGreaterThan(10_000)
    expect(loaded).toBeLessThan(100_000)
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
    console.log(`first contentful paint ${Math.round(paint!)} ms, ${loaded} bytes of JavaScript`)
  })

  it('changes its language and keeps everything else', async () => {
    await page.goto(`${url}/chat?run=@quickstart-en&model=04-sft,05-rl&lang=en`)
    await page.locator('#message').fill('unsent words')
    await page.locator('#language').click()
    await page.getByRole('heading', { name: '和它聊聊' }).waitFor()
    expect(await page.locator('#message').inputValue()).toBe('unsent words')
    expect(page.url()).toContain('lang=zh')
    expect(page.url()).toContain('model=04-sft')
    await page.locator('#language').click()
    await page.getByRole('heading', { name: 'Talk with it' }).waitFor()
  })

  it('lets models talk side by side, and go on from another token', async () => {
    await page.goto(`${url}/chat?run=@quickstart-en&model=03-pretrain,04-sft,05-rl&lang=en`)
    await page.locator('#message').fill('12+13=?')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Again' }).nth(2).waitFor()
    const columns = page.locator('section.column')
    expect(await columns.count()).toBe(3)
    for (let i = 0; i < 3; i++) expect(await columns.nth(i).locator('button.token').count()).toBeGreaterThan(0)
    const last = columns.nth(2)
    const before = await last.locator('.answer').innerText()
    await last.locator('button.token').first().click()
    const other = last.locator('.alternatives button:not(.taken)').first()
    await other.click()
    await last.getByRole('button', { name: 'Again' }).waitFor()
    expect(await last.locator('.answer').innerText()).not.toBe(before)
  })

  it('ranks by keyboard', async () => {
    await page.goto(`${url}/preferences?run=@quickstart-en&lang=en`)
    await button('Let it write').click()
    await page.locator('.draft').first().waitFor()
    await page.locator('main').focus()
    await page.keyboard.press('2')
    expect(await page.locator('.draft[aria-pressed=true]').count()).toBeGreaterThan(0)
    for (let n = 1; n <= 3; n++)
      if (!(await button('That is my order').isEnabled())) await page.keyboard.press(n === 1 ? '1' : '3')
    await page.keyboard.press('Enter')
    await page.getByText('1 / 20').waitFor()
  })

  it('works a sum out a hundred times, beside a calculator', async () => {
    await page.goto(`${url}/sampling?run=@quickstart-en&lang=en`)
    await button('One sum, 100 times').click()
    const grids = page.locator('#tired .times')
    await grids.first().waitFor({ timeout: 120_000 })
    expect(await grids.nth(0).locator('i').count()).toBe(100)
    expect(await grids.nth(1).locator('i.right').count()).toBe(100)
    const right = await grids.nth(0).locator('i.right').count()
    await page.getByText(`right ${right} of 100 times`).waitFor()
  })

  it('shows the life of a page, with the line that decided', async () => {
    await page.goto(`${url}/corpus?run=@quickstart-zh&lang=zh&rule=gopher-repetition/duplicate-8-grams`)
    await button(/看它的一生/).click()
    await page.locator('.life pre mark').first().waitFor()
    const marked = await page.locator('.life .text mark').first().innerText()
    expect(await page.locator('.life q').first().innerText()).toContain(marked.slice(0, 5))
  })

  it('puts two tokenizers side by side, and joins bytes step by step', async () => {
    await page.goto(`${url}/tokenizer?run=@quickstart-en&lang=en`)
    await page.getByLabel('Beside it').selectOption('@quickstart-zh')
    await page.locator('#density li').nth(3).waitFor()
    const pieces = page.locator('#merges .token')
    const before = await pieces.count()
    await page.getByRole('slider', { name: 'Merges' }).focus()
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => pieces.count()).toBeLessThan(before)
    await page.keyboard.press('End')
    const text = await page.getByRole('textbox', { name: 'Text' }).inputValue()
    expect((await pieces.allInnerTexts()).join('').replaceAll('␣', ' ')).toBe(text.slice(0, 40))
  })

  it('compares reports, in both languages', async () => {
    await page.goto(`${url}/runs?lang=en&compare=@quickstart-zh,@quickstart-en`)
    await page.getByRole('heading', { name: 'What they are' }).waitFor()
    await page.locator('#language').click()
    await page.getByRole('heading', { name: '各是什么' }).waitFor()
    await page.locator('#language').click()
  })

  it('shows the answers of a step, and moves by arrow keys', async () => {
    await page.goto(`${url}/rl?run=@quickstart-en&lang=en`)
    await page.locator('ul.cards li').first().waitFor()
    expect(await page.locator('ul.cards li').count()).toBe(8)
    await page.getByRole('slider', { name: 'Step' }).focus()
    await page.keyboard.press('Home')
    await page.getByText('step 1', { exact: true }).first().waitFor()
    expect(page.url()).toContain('step=1')
  })

  it('teaches lesson zero on WebAssembly in the page', async () => {
    await page.goto(`${url}/lesson?lang=en`)
    const error = page.locator('dd.big')
    await button('One step').click()
    const first = Number(await error.innerText())
    for (let n = 0; n < 5; n++) await button('One step').click()
    await expect.poll(async () => Number(await error.innerText())).toBeLessThan(first)
    await page.getByRole('slider', { name: 'right end of the line' }).focus()
    await page.keyboard.press('ArrowUp')
    await expect.poll(() => page.locator('.figures dd').nth(1).innerText()).toBe('0')
  })

  it('trains a run: started, watched, paused, talked with, reloaded', async () => {
    await page.goto(`${url}/runs?new=1&lang=en&depth=workbench`)
    await page.locator('#recipe').selectOption('tiny')
    await page.locator('#run-name').fill('mine')
    await page.locator('summary', { hasText: 'Reading widely' }).click()
    await page
      .locator('label', { has: page.locator('span', { hasText: /^steps$/ }) })
      .locator('input:visible')
      .first()
      .fill('20000')
    await page.locator('#begin').click()
    await page.waitForURL(/\/pretrain\?.*run=mine/)
    await expect.poll(() => status().innerText(), { timeout: 60_000 }).toContain('running')
    await page.getByText('Step', { exact: true }).waitFor({ timeout: 120_000 })
    await page.getByText('How it goes on with the same beginnings').waitFor({ timeout: 120_000 })
    await page.locator('header').getByRole('button', { name: 'Pause' }).click()
    await expect.poll(() => status().innerText(), { timeout: 60_000 }).toContain('paused')

    const other = await tab()
    await other.goto(`${url}/map?run=mine&lang=en`)
    await expect.poll(() => other.locator('header [role=status]').innerText()).toContain('paused')
    await other.close()

    await page.goto(`${url}/chat?run=mine&lang=en`)
    await page.locator('#message').fill('Once')
    await page.keyboard.press('Enter')
    await button('Again').waitFor()
    expect(await page.locator('button.token').count()).toBeGreaterThan(0)

    await page.goto(`${url}/pretrain?run=mine&lang=en`)
    await page.reload()
    await expect.poll(() => status().innerText()).toContain('paused')
    await page.locator('header').getByRole('button', { name: 'Go on' }).click()
    await expect.poll(() => status().innerText(), { timeout: 60_000 }).toContain('running')
  })

  it('comes back when its server does; the run never noticed', async () => {
    const pid = trainerOf(join(runs, 'mine'))
    const { port } = new URL(url)
    await endServer()
    await page.getByText('reconnecting').waitFor()
    expect(trainerOf(join(runs, 'mine'))).toBe(pid)
    await serve(Number(port))
    await expect.poll(() => status().innerText(), { timeout: 30_000 }).toBe('running')
    said = [] // the browser says that nobody answered
    const figures = page.locator('.figures dd').first()
    const before = await figures.innerText()
    await expect.poll(() => figures.innerText(), { timeout: 60_000 }).not.toBe(before)
  })

  it('stops a run, and deletes it when its name is typed', async () => {
    await page.locator('header').getByRole('button', { name: 'Stop' }).click()
    await expect.poll(() => status().innerText(), { timeout: 60_000 }).toContain('stopped')
    await page.goto(`${url}/runs?lang=en`)
    await button('Delete').click()
    const erase = button('Delete for ever')
    expect(await erase.isEnabled()).toBe(false)
    await page.getByPlaceholder('mine').fill('mine')
    await erase.click()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(2)
    expect(existsSync(join(runs, 'mine'))).toBe(false)
  })

  it('studies a dialogue written on the page, in a run that goes on from the recording', async () => {
    await page.goto(`${url}/sft?run=@quickstart-en&lang=en`)
    await button('Write a new one').click()
    await page.locator('label', { hasText: 'question' }).locator('textarea').fill('What is your favourite colour?')
    await page.locator('label', { hasText: 'answer' }).locator('textarea').fill('Ultramarine, of course.')
    await button('Put it among mine').click()
    await button('Study them now').click()
    await page.waitForURL(/run=quickstart-en-mine/)
    await expect.poll(() => status().innerText(), { timeout: 120_000 }).toBe('finished')
    await page.goto(`${url}/chat?run=quickstart-en-mine&lang=en`)
    await page.locator('#message').fill('What is your favourite colour?')
    await page.keyboard.press('Enter')
    await button('Again').waitFor()
    await expect.poll(() => page.locator('main').innerText()).toContain('Ultramarine')
  })

  it('ranks drafts by keyboard, undoes, sees how consistent somebody is, and trains a judge on it', async () => {
    await page.goto(`${url}/preferences?run=quickstart-en-mine&lang=en`)
    await button('Let it write').click()
    const order = async (n: number) => {
      await page.locator('.draft').first().waitFor()
      await page.locator('main').focus()
      await page.keyboard.press('1')
      if (!(await button('That is my order').isEnabled())) await page.keyboard.press('2')
      await page.keyboard.press('Enter')
      await page.getByText(`${n} / 20`).waitFor()
      await expect.poll(() => button('All bad').isEnabled()).toBe(true)
    }
    for (let n = 1; n <= 5; n++) await order(n)
    await page.getByText('You have seen these').waitFor()
    await order(6)
    // The same drafts backwards, and the first were best both times: nothing agrees.
    await page.getByText(/Of \d+ pairs that you saw twice, you ordered 0 the same way/).waitFor()
    await page.keyboard.press('u')
    await page.getByText('5 / 20').waitFor()
    // Drafts that are alike make one: how many pairs five orders give is up to the model.
    for (let n = 6; n < 20 && !(await button('Learn my taste now').isEnabled()); n++) await order(n)
    await button('Learn my taste now').click()
    await page.waitForURL(/run=quickstart-en-mine-taste/)
    await expect.poll(() => status().innerText(), { timeout: 120_000 }).toBe('finished')
    await page
      .locator('#judge')
      .getByText(/picks the one that the person preferred|too few labels/)
      .waitFor()
    expect(existsSync(join(runs, 'quickstart-en-mine-taste', '02-reward-model', 'model.safetensors'))).toBe(true)
  })
})

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cleanDocument, explainDocument, steps } from './clean.ts'
import { corpusConfig } from './config.ts'
import type { CorpusInput } from './config.ts'
import { passes } from './filters/index.ts'
import { loadLists } from './lists.ts'

const story = `The mill stood at the end of the lane, and for a hundred years it had ground the corn of the whole valley.
When the old miller died, his daughter kept the wheel turning, although everybody told her to sell the house.
She rose before the sun, opened the gate of the race, and listened to the water until the stones began to sing.
In the autumn the carts came from all the farms, and the yard was full of horses and of men who talked about the weather.
She wrote every sack into a book with a red cover. The book has been kept, and children read from it at school.`
const config = (more: Partial<CorpusInput> = {}) => corpusConfig.parse({ sources: [{ path: 'x' }], ...more })
const clean = async (text: string, more: Partial<CorpusInput> = {}, web = true, url?: string) => {
  const parsed = config(more)
  const reached: string[] = []
  const raw = { id: 'a', source: 's', text, ...(url === undefined ? {} : { url }) }
  const outcome = cleanDocument(raw, parsed, web, await loadLists(parsed), (step) => reached.push(step))
  return { outcome, reached }
}

test('a good text passes all steps, and trusted ones pass them unread', async () => {
  const { outcome, reached } = await clean(story)
  expect(outcome).toMatchObject({ document: { language: 'en', text: story } })
  expect(reached).toEqual([...steps])
  expect((await clean('Short.', {}, false)).reached).toEqual([...steps])
})

test('a refusal has rule, value, threshold and quote, and the steps before it are tallied', async () => {
  const { outcome, reached } = await clean(`${story}\n${story}`)
  expect(outcome).toMatchObject({
    rule: 'gopher-repetition/lines',
    value: 0.5,
    threshold: 0.3,
    quote: story.split('\n')[0],
    detail: '0.5 of the lines came before > 0.3',
  })
  expect(reached.at(-1)).toBe('min-length')
})

test('explaining goes on after a refusal, and says what cleaning says', async () => {
  const text = `${story}\n${story}\nBuy now {cheap}. Write to me at a.b@mail.test.`
  const parsed = config()
  const told = explainDocument({ id: 'a', source: 's', text }, parsed, await loadLists(parsed))
  const failed = told.steps.flatMap(({ checks }) => checks.filter((check) => !passes(check)).map(({ rule }) => rule))
  expect(failed[0]).toBe('gopher-repetition/lines')
  expect(failed).toContain('c4/curly-bracket')
  expect(failed).toContain('fineweb/duplicate-characters')
  expect(told.masked?.email).toBe(1)
  expect(told.steps.map(({ step }) => step)).toEqual([...steps])
  const nothing = explainDocument({ id: 'a', source: 's', html: '<p></p>' }, parsed, await loadLists(parsed))
  expect(nothing.steps.at(-1)).toMatchObject({ step: 'extract', failed: { rule: 'extract' } })
})

test('traditional Chinese is simplified where the recipe says so', async () => {
  const text =
    '這個國家的人們說，從前有一位老師，他為學生們寫了許多書。後來學校關門了，書卻留了下來，放在圖書館裡。大家都記得他。'
  const filters = { minLength: { characters: 10 }, gopherQuality: false as const }
  const kept = (await clean(text, { filters })).outcome
  expect(kept).toMatchObject({ document: { text } })
  const { outcome } = await clean(text, { filters, traditional: 'simplify' })
  expect(outcome).toMatchObject({
    document: {
      text: '这个国家的人们说，从前有一位老师，他为学生们写了许多书。后来学校关门了，书却留了下来，放在图书馆里。大家都记得他。',
    },
  })
})

test('lists of the recipe: blocked domains, a UT1 category, toxic words, questions; trusted texts are examined for questions', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xueba-lists-'))
  await mkdir(join(folder, 'adult'))
  await writeFile(join(folder, 'adult/domains'), 'bad.example\n')
  await writeFile(join(folder, 'adult/urls'), 'mixed.example/rude\n')
  await writeFile(join(folder, 'toxic.txt'), 'valley\ncorn\n')
  await writeFile(join(folder, 'questions.txt'), `${story.split('\n')[1]}\n`)
  const url = { domains: [join(folder, 'adult')] }
  const byDomain = await clean(story, { filters: { url } }, true, 'https://www.bad.example/mill')
  expect(byDomain.outcome).toMatchObject({ rule: 'url/domain', quote: 'bad.example' })
  const byAddress = await clean(story, { filters: { url } }, true, 'https://mixed.example/rude/mill')
  expect(byAddress.outcome).toMatchObject({ rule: 'url/address' })
  const toxicWords = { lists: [join(folder, 'toxic.txt')] }
  expect((await clean(story, { filters: { toxicWords } })).outcome).toMatchObject({
    rule: 'toxic-words',
    quote: 'corn, valley',
  })
  const decontaminate = { files: [join(folder, 'questions.txt')] }
  for (const web of [true, false])
    expect((await clean(story, { decontaminate }, web)).outcome).toMatchObject({ rule: 'decontamination' })
  await expect(loadLists(config({ filters: { url: { domains: [folder] } } }))).rejects.toThrow(/no category/)
  await expect(loadLists(config({ filters: { toxicWords: { lists: [join(folder, 'none')] } } }))).rejects.toThrow(
    /cannot be read/,
  )
  await rm(folder, { recursive: true })
})

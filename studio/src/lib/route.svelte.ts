/** Where somebody is, in the URL: /map?run=tiny&depth=workbench&step=500. A copied link shows the same thing; back and forward work. */
import { language, setLanguage } from './language.svelte.ts'

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
] as const
export type Screen = (typeof SCREENS)[number]

const read = () => {
  const [first = ''] = location.pathname.split('/').filter(Boolean)
  const screen = (SCREENS as readonly string[]).includes(first) ? (first as Screen) : 'map'
  return { screen, query: new URLSearchParams(location.search) }
}

let state = $state(read())
addEventListener('popstate', () => {
  state = read()
  const lang = state.query.get('lang')
  if (lang === 'zh' || lang === 'en') setLanguage(lang)
})

export const screen = (): Screen => state.screen
export const query = (key: string): string | null => state.query.get(key)

export function hrefOf(to: Screen, changes: Record<string, string | null> = {}): string {
  const kept = new URLSearchParams()
  for (const key of ['run', 'depth', 'lang']) {
    const value = state.query.get(key)
    if (value !== null) kept.set(key, value)
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) kept.delete(key)
    else kept.set(key, value)
  }
  const search = kept.toString()
  return `/${to}${search ? `?${search}` : ''}`
}

/** Goes to a screen; a new entry in the history. */
export function go(to: Screen, changes: Record<string, string | null> = {}): void {
  history.pushState(null, '', hrefOf(to, changes))
  state = read()
  scrollTo(0, 0)
}

/** Changes the state of this screen, without a new entry. */
export function put(changes: Record<string, string | null>): void {
  const next = new URLSearchParams(state.query)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) next.delete(key)
    else next.set(key, value)
  }
  const search = next.toString()
  history.replaceState(null, '', `${location.pathname}${search ? `?${search}` : ''}`)
  state = { ...state, query: next }
}

export function switchLanguage(): void {
  const next = language() === 'zh' ? 'en' : 'zh'
  setLanguage(next)
  put({ lang: next })
}

export type Depth = 'story' | 'workbench'
export const depth = (): Depth => (state.query.get('depth') === 'workbench' ? 'workbench' : 'story')

/** For links: lets the browser open new tabs, and goes there itself otherwise. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest('a[data-go]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  history.pushState(null, '', link.getAttribute('href'))
  state = read()
  scrollTo(0, 0)
}

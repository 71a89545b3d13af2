/** Light, dark, or as the system says. */
export type Theme = 'auto' | 'light' | 'dark'

const kept = (): Theme => {
  try {
    const value = localStorage.getItem('theme')
    return value === 'light' || value === 'dark' ? value : 'auto'
  } catch {
    return 'auto' // storage may be forbidden
  }
}

const initial = kept()
let current = $state<Theme>(initial)
apply(initial)

export const theme = (): Theme => current

export function nextTheme(): void {
  current = current === 'auto' ? 'light' : current === 'light' ? 'dark' : 'auto'
  apply(current)
  try {
    localStorage.setItem('theme', current)
  } catch {
    // it will be as the system says next time
  }
}

function apply(chosen: Theme): void {
  if (chosen === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

/** A colour of the palette as it is now. */
export const colour = (name: string): string => {
  void current
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/**
 * Traditional Chinese to simplified, by OpenCC's tables of characters and phrases (the package opencc-js, 110 kB of it loaded on first use).
 * Words stay those of the region: 軟體 becomes 软体, not 软件.
 */
import { createRequire } from 'node:module'
import { UserError } from '../run/errors.ts'

let convert: ((text: string) => string) | undefined

/** Throws a UserError when the package is not installed. */
export function toSimplified(text: string): string {
  convert ??= load()
  return convert(text)
}

function load(): (text: string) => string {
  try {
    const opencc = createRequire(import.meta.url)('opencc-js/t2cn') as typeof import('opencc-js/t2cn')
    return opencc.Converter({ from: 't', to: 'cn' })
  } catch (cause) {
    throw new UserError(
      'converting traditional Chinese (traditional: simplify) needs the package opencc-js: npm install opencc-js',
      '把繁体中文转成简体（traditional: simplify）需要 opencc-js 这个包：npm install opencc-js',
      { cause },
    )
  }
}

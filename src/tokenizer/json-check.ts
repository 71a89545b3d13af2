/** Checks of a parsed tokenizer.json: errors name the key, what is there and what was expected. */

export function fail(key: string, value: unknown, expected: string): never {
  const found = value === undefined ? 'missing' : shown(value)
  throw new Error(`tokenizer.json: ${key} is ${found}: expected ${expected}`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** What is expected must be there; what is more is left alone. Nothing, null, false and '' are one, but for use_regex. */
export function expectLike(found: unknown, expected: unknown, key: string): void {
  if (Array.isArray(expected)) {
    const items = array(found, key)
    if (items.length !== expected.length) fail(key, items, `a list of ${expected.length}`)
    expected.forEach((item, i) => expectLike(items[i], item, `${key}[${i}]`))
  } else if (typeof expected === 'object' && expected !== null) {
    const entries = object(found, key)
    for (const [name, value] of Object.entries(expected)) expectLike(entries[name], value, `${key}.${name}`)
  } else if (found !== expected && (found || expected || key.endsWith('use_regex'))) {
    fail(key, found, JSON.stringify(expected))
  }
}

export function object(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(key, value, 'an object')
  return value as Record<string, unknown>
}

export function array(value: unknown, key: string): unknown[] {
  return Array.isArray(value) ? value : fail(key, value, 'a list')
}

export function integer(value: unknown, key: string): number {
  return Number.isInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(key, value, 'an integer from 0 on')
}

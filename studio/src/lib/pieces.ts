/** Tokens for showing. A token need not be a whole character: what is not shows as its bytes. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export interface Shown {
  text: string
  /** The bytes are no text by themselves. */
  partial: boolean
}

export function shown(bytes: readonly number[] | Uint8Array): Shown {
  try {
    return { text: decoder.decode(Uint8Array.from(bytes)), partial: false }
  } catch {
    return { text: hex(bytes), partial: true }
  }
}

export const hex = (bytes: readonly number[] | Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(' ')

/** White space made visible. */
export const visible = (text: string): string => text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(' ', '␣')

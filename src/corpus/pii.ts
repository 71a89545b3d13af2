/**
 * Personal data replaced by placeholders that read the same: e-mail and public IP addresses as FineWeb does, and in addition phone
 * numbers, Chinese resident identity numbers and bank cards (both by their check digit).
 *
 * The placeholders belong to nobody: reserved domains and addresses (RFC 2606, RFC 5737), the fictional 555-01xx numbers, numbers whose check
 * digit is wrong. Names and postal addresses are left out: they need a model.
 */
import { z } from 'zod'

export const piiConfig = z.strictObject({
  email: z.boolean().default(true),
  ip: z.boolean().default(true),
  phone: z.boolean().default(true),
  identity: z.boolean().default(true).describe('Chinese identity and bank card numbers'),
})

export interface Masked {
  text: string
  /** How many of each kind were replaced. */
  counts: Record<PiiKind, number>
}
export type PiiKind = 'email' | 'ip' | 'phone' | 'identity' | 'card'

const placeholder: Record<PiiKind, string> = {
  email: 'email@example.com',
  ip: '192.0.2.1',
  phone: '555-0100',
  identity: '000000190001010000',
  card: '0000000000000001',
}
const chineseMobile = '13800000000'

const email =
  /(?<![a-z0-9._%+-])[a-z0-9._%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![a-z0-9-])/gi
const ip = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)/g
const identity = /(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])/g
const card = /(?<![\d.-])(?:[3-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|3\d{3}[ -]?\d{6}[ -]?\d{5})(?![\d-])/g
/** Mobile numbers of mainland China (11 digits, 13 to 19), with or without the country's code. */
const mobile = /(?<![\d.])(?:(?:\+|00)86[ -]?)?1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4})(?![\d]|\.\d)/g
/** Chinese landlines with area code; North American numbers; international numbers with a plus. */
const landline = /(?<![\d.-])0\d{2,3}[- ]\d{7,8}(?![\d-])/g
const american = /(?<![\d.-])(?:\+?1[-. ]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?![\d-])/g
const international = /(?<![\d.])\+[1-9]\d{0,2}(?:[ -]\d{2,4}){2,5}(?![\d-])/g

export function maskPii(text: string, config: z.infer<typeof piiConfig>): Masked {
  const counts: Record<PiiKind, number> = { email: 0, ip: 0, phone: 0, identity: 0, card: 0 }
  const put = (kind: PiiKind, by = placeholder[kind]) => {
    counts[kind]++
    return by
  }
  let masked = text
  if (config.email && masked.includes('@')) {
    masked = masked.replace(email, (found) => (/@example\.(?:com|org|net)$/i.test(found) ? found : put('email')))
  }
  if (!/\d{4}|\d\.\d/.test(masked)) return { text: masked, counts }
  if (config.ip) masked = masked.replace(ip, (found) => (isPublicIp(found) ? put('ip') : found))
  if (config.identity) {
    masked = masked.replace(identity, (found) => (identityIsValid(found) ? put('identity') : found))
    masked = masked.replace(card, (found) => (cardIsValid(found) ? put('card') : found))
  }
  if (config.phone) {
    masked = masked.replace(mobile, (found) => (found === chineseMobile ? found : put('phone', chineseMobile)))
    for (const pattern of [landline, american, international]) {
      masked = masked.replace(pattern, (found) => (/555-01\d\d$/.test(found) ? found : put('phone')))
    }
  }
  return { text: masked, counts }
}

/** Not private, local, reserved or multicast (RFC 6890), and not a version number such as 1.2.3.4 with a zero in front. */
function isPublicIp(text: string): boolean {
  const parts = text.split('.').map(Number)
  if (parts.some((part, i) => part > 255 || (text.split('.')[i]!.length > 1 && text.split('.')[i]!.startsWith('0'))))
    return false
  const [a, b, c] = parts as [number, number, number]
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false
  if (
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  )
    return false
  return !(
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113)
  )
}

/** GB 11643-1999: weighted sum of the first 17 digits, modulo 11. */
function identityIsValid(text: string): boolean {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, i) => total + weight * Number(text[i]), 0)
  return '10X98765432'[sum % 11] === text[17]!.toUpperCase()
}

/** 15 to 19 digits that end in a Luhn check digit (ISO/IEC 7812). */
function cardIsValid(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  if (digits.length < 15 || digits.length > 19) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

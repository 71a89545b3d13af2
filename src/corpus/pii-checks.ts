/**
 * Is it really one? What tells an address, an identity number or a card from other digits: reserved ranges, check digits, known prefixes.
 * Pure functions of the text that a pattern found.
 */
import { isIPv6 } from 'node:net'

/** Global unicast and not reserved (RFC 6890): not private, local, for documentation or multicast. */
export function isPublicIpv4(text: string): boolean {
  const parts = text.split('.')
  if (parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return false
  const [a, b, c] = parts.map(Number) as [number, number, number]
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false
  if (a === 100) return b < 64 || b >= 128
  if (a === 169) return b !== 254
  if (a === 172) return b < 16 || b >= 32
  if (a === 192) return b !== 168 && !(b === 0 && (c === 0 || c === 2))
  if (a === 198) return b !== 18 && b !== 19 && !(b === 51 && c === 100)
  return !(a === 203 && b === 0 && c === 113)
}

/** Global unicast is 2000::/3 (RFC 4291); 2001:db8::/32 is for documentation (RFC 3849). */
export function isPublicIpv6(text: string): boolean {
  return /^[23][0-9a-f]{3}:/i.test(text) && !/^2001:0?db8:/i.test(text) && isIPv6(text)
}

const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83'.split(' '),
)

/** GB 11643-1999: a province, a date that exists, and the weighted sum of the first 17 digits modulo 11 as the last. */
export function isIdentityNumber(text: string): boolean {
  if (!provinces.has(text.slice(0, 2)) || !isDate(text.slice(6, 14))) return false
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, i) => total + weight * Number(text[i]), 0)
  return '10X98765432'[sum % 11] === text[17]!.toUpperCase()
}

/** The 15 digits of before 1999 have no check digit; who takes them needs a word beside them. */
export function isOldIdentityNumber(text: string): boolean {
  return provinces.has(text.slice(0, 2)) && isDate(`19${text.slice(6, 12)}`)
}

function isDate(digits: string): boolean {
  const [year, month, day] = [Number(digits.slice(0, 4)), Number(digits.slice(4, 6)), Number(digits.slice(6, 8))]
  const date = new Date(Date.UTC(year, month - 1, day))
  return year >= 1900 && year < 2100 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

/** Prefixes and lengths of the networks: Visa, Mastercard, American Express, UnionPay (and its banks' own), JCB, Discover, Diners. */
const networks: [prefix: RegExp, lengths: number[]][] = [
  [/^4/, [16, 19]],
  [/^(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))/, [16]],
  [/^3[47]/, [15]],
  [/^(?:62|60|81)/, [16, 17, 18, 19]],
  [/^955[89]/, [19]],
  [/^35(?:2[89]|[3-8])/, [16]],
  [/^6(?:011|4[4-9]|5)/, [16]],
  [/^3(?:0[0-5]|[689])/, [14]],
]

/** A network's prefix and length, and the Luhn check digit (ISO/IEC 7812). */
export function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  if (!networks.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits))) return false
  if (/^(\d)\1+$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** North American: area code and exchange begin with 2 to 9 and are no service code such as 911 (NANP). */
export function isAmericanNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '').slice(-10)
  return !/^.11/.test(digits) && !/^.{3}.11/.test(digits)
}

/** Enough digits for a number with its country's code (E.164: at most 15); written in one, it needs more, for sums also begin with +. */
export function isInternationalNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '').length
  return digits <= 15 && digits >= (/^\+\d+$/.test(text) ? 11 : 8)
}

/**
 * Personal data replaced by placeholders that read the same: e-mail and public IP addresses as FineWeb does, and in addition IPv6, phone
 * numbers (China, North America, any with a country's code, and what a word such as 电话 or "call" announces), Chinese resident identity
 * numbers and bank cards.
 *
 * The placeholders belong to nobody: reserved domains and addresses (RFC 2606, 5737, 3849), the fictional 555-01xx numbers, numbers whose
 * check digit is wrong. Names and postal addresses are left out: they need a model.
 */
import { z } from 'zod'
import {
  isAmericanNumber,
  isCardNumber,
  isIdentityNumber,
  isInternationalNumber,
  isOldIdentityNumber,
  isPublicIpv4,
  isPublicIpv6,
} from './pii-checks.ts'

export const piiConfig = z.strictObject({
  email: z.boolean().default(true),
  ip: z.boolean().default(true).describe('public addresses of both versions'),
  phone: z.boolean().default(true),
  identity: z.boolean().default(true).describe('Chinese identity numbers'),
  card: z.boolean().default(true).describe('bank cards'),
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
const ipv6Placeholder = '2001:db8::1'
const mobilePlaceholder = '13800000000'

const email =
  /(?<![a-z0-9._%+-])[a-z0-9_%+-](?:[a-z0-9._%+-]{0,62}[a-z0-9_%+-])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![a-z0-9-])/gi
/** `logo@2x.png` is the name of a file. */
const fileName = /\.(?:png|jpe?g|gif|webp|svg|ico|css|m?js|tsx?|html?|php|py|md|pdf|zip)$/i
const reserved = /@(?:[\w-]+\.)*example\.(?:com|org|net)$/i
const ipv4 = /(?<![\w.-])(?<!\w\/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)/g
/** Before it: a version; behind it, at the start of a line: a heading. */
const versionBefore = /(?:\bv(?:er(?:sion)?)?\.?|版本?|版本号|\brelease|\bbuild|\bsection|§|第)\s*[:：]?\s*$/i
const ipv6 = /(?<![\w:.])[23][0-9a-f]{3}:[0-9a-f:]{2,34}(?![\w:])/gi
const identity = /(?<![\dA-Za-z.])[1-8]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?![\dA-Za-z])/g
const oldIdentity = /((?:身份证|证件)[^\d\n]{0,8})([1-8]\d{14})(?!\d)/g
/** In one, or in the groups in which cards are printed. */
const card =
  /(?<![\d.,-])(?:\d{14,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{6}([ -])\d{10,13})(?![\d-]|[.,]\d)/g
/** Mobile numbers of mainland China, with or without the country's code, in one or as 3-4-4. */
const mobile =
  /(?<![\w./#-])(?:(?:\+|00)?86[ -]?)?1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])(?:\d{8}|[ -]\d{4}[ -]\d{4})(?![\da-z_]|\.\d)/g
/** Chinese landlines with area code. */
const landline =
  /(?<![\w./=-])(?:(?:\+|00)86[ -]?)?(?:0\d{2,3}[- ]|\(0\d{2,3}\) ?|（0\d{2,3}）)[2-9]\d{6,7}(?![\d-]|\.\d)/g
const american =
  /(?<![\w.-])(?:\+?1[-. ]?)?(?:\([2-9]\d{2}\) ?[2-9]\d{2}[-. ]\d{4}|[2-9]\d{2}([-.])[2-9]\d{2}\1\d{4}|(?<=1[-. ])[2-9]\d{2} [2-9]\d{2}[- ]\d{4})(?![\w-]|\.\d)/g
const international = /(?<![\w+.])\+[1-9]\d{0,2}(?:[ .-]?\(0?\d{0,4}\))?(?:[ .-]?\d{1,5}){2,6}(?![\d-])/g
/** What a word announces: 8 to 13 digits, in whatever groups. */
const announced =
  /((?:\b(?:tel|telephone|phone|mobile|mob|cell|fax|call|ring|whatsapp)\b|电话|手机|座机|传真|致电|热线|联系方式)(?:\s*(?:numbers?\b|no\b|is\b|me\b|us\b|at\b|on\b|now\b|号码|号|为|是|至|拨打))*[^\p{L}\p{N}\n+(（]{0,6})([(（+]?\d[\d ()（）./-]{5,20}\d)(?![\d%])/giu
const years = /^(?:19|20)\d\d\s*[-/]\s*(?:19|20)\d\d$|^(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}$/

export function maskPii(text: string, config: z.infer<typeof piiConfig>): Masked {
  const counts: Record<PiiKind, number> = { email: 0, ip: 0, phone: 0, identity: 0, card: 0 }
  const put = (kind: PiiKind, by = placeholder[kind]) => {
    counts[kind]++
    return by
  }
  let masked = text
  if (config.email && masked.includes('@'))
    masked = masked.replace(email, (found) => (reserved.test(found) || fileName.test(found) ? found : put('email')))
  if (config.ip && masked.includes(':'))
    masked = masked.replace(ipv6, (found) => (isPublicIpv6(found) ? put('ip', ipv6Placeholder) : found))
  if (!holdsLongNumber(masked)) return { text: masked, counts }
  if (config.ip)
    masked = masked.replace(ipv4, (found, at: number, whole: string) =>
      isPublicIpv4(found) && !isVersion(found, at, whole) ? put('ip') : found,
    )
  if (config.identity) {
    masked = masked.replace(identity, (found) => (isIdentityNumber(found) ? put('identity') : found))
    masked = masked.replace(oldIdentity, (found, before: string, number: string) =>
      isOldIdentityNumber(number) ? before + put('identity') : found,
    )
  }
  if (config.card) masked = masked.replace(card, (found) => (isCardNumber(found) ? put('card') : found))
  if (config.phone) masked = maskPhones(masked, put)
  return { text: masked, counts }
}

function maskPhones(text: string, put: (kind: PiiKind, by?: string) => string): string {
  const isFictional = (number: string) => /555-01\d\d$/.test(number) || number === mobilePlaceholder
  const mask = (test: (number: string) => boolean, by?: string) => (found: string) =>
    isFictional(found) || !test(found) ? found : put('phone', by)
  return text
    .replace(
      mobile,
      mask(() => true, mobilePlaceholder),
    )
    .replace(
      landline,
      mask(() => true),
    )
    .replace(american, mask(isAmericanNumber))
    .replace(international, mask(isInternationalNumber))
    .replace(announced, (found, before: string, number: string) => {
      const digits = number.replace(/\D/g, '')
      const isNumber = digits.length >= 8 && digits.length <= 13 && !years.test(number)
      return isNumber && !isFictional(number) && !number.includes(mobilePlaceholder) ? before + put('phone') : found
    })
}

/** `version 1.2.3.4`, `§ 3.2.1.4`, and `3.2.1.4 Results` at the start of a line. */
function isVersion(found: string, at: number, whole: string): boolean {
  if (versionBefore.test(whole.slice(Math.max(0, at - 16), at))) return true
  const isSmall = found.split('.').every((part) => Number(part) < 40)
  const startsLine = /(?:^|\n)\s*$/.test(whole.slice(Math.max(0, at - 8), at))
  return isSmall && startsLine && /^\s+\p{L}/u.test(whole.slice(at + found.length, at + found.length + 4))
}

/** Digits that stand close enough together for any of the patterns: spares the rest of the texts all of them. */
function holdsLongNumber(text: string): boolean {
  let digits = 0
  let dots = 0
  let gap = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) {
      digits++
      gap = 0
      if (digits >= 8 || (dots >= 3 && digits >= 4)) return true
    } else if (digits > 0) {
      if (code === 0x2e) dots++
      if (++gap > 3 || !(code === 0x20 || (code >= 0x28 && code <= 0x2f) || code === 0xff08 || code === 0xff09)) {
        digits = 0
        dots = 0
      }
    }
  }
  return false
}

/**
 * Which language a text is in, from its script and its commonest words; sure about Chinese and English, which is what it is for.
 *
 * Chinese, Japanese, Korean and the languages with a script of their own are told by their letters; the Latin ones by function words, and by
 * endings where neighbours share too many of those. `und` where nothing speaks: names, prices, code. A trained n-gram model (eld) knows 60
 * languages and single sentences better (docs/log.md), but takes 340 ms and 120 MB to load, in every worker; this one needs no data.
 */
import { latinLanguage } from './latin-language.ts'

export interface Language {
  /** ISO 639-1, or `und`. */
  language: string
  /** 0 to 1: the share of the script among the letters; for Latin scripts times the winner's lead in function words over the next language. */
  confidence: number
  /** For Chinese: simplified or traditional, where its characters tell. */
  script?: 'Hans' | 'Hant'
}

const sampleLength = 6000

/** Ranges of UTF-16 units by script; the few characters beyond the basic plane are no loss. Sorted. */
const ranges: [from: number, to: number, script: string][] = [
  [0x41, 0x5a, 'latin'],
  [0x61, 0x7a, 'latin'],
  [0xc0, 0x24f, 'latin'],
  [0x370, 0x3ff, 'el'],
  [0x400, 0x52f, 'ru'],
  [0x530, 0x58f, 'hy'],
  [0x590, 0x5ff, 'he'],
  [0x600, 0x6ff, 'ar'],
  [0x900, 0x97f, 'hi'],
  [0x980, 0x9ff, 'bn'],
  [0xa00, 0xa7f, 'pa'],
  [0xa80, 0xaff, 'gu'],
  [0xb80, 0xbff, 'ta'],
  [0xc00, 0xc7f, 'te'],
  [0xc80, 0xcff, 'kn'],
  [0xd00, 0xd7f, 'ml'],
  [0xd80, 0xdff, 'si'],
  [0xe00, 0xe7f, 'th'],
  [0xe80, 0xeff, 'lo'],
  [0x1000, 0x109f, 'my'],
  [0x10a0, 0x10ff, 'ka'],
  [0x1100, 0x11ff, 'ko'],
  [0x1200, 0x137f, 'am'],
  [0x1780, 0x17ff, 'km'],
  [0x1e00, 0x1eff, 'latin'],
  [0x3005, 0x3007, 'han'],
  [0x3041, 0x30ff, 'kana'],
  [0x3131, 0x318e, 'ko'],
  [0x3400, 0x4dbf, 'han'],
  [0x4e00, 0x9fff, 'han'],
  [0xac00, 0xd7a3, 'ko'],
]
const scripts = [...new Set(ranges.map(([, , script]) => script))]
/** The script of each UTF-16 unit as its place in `scripts` plus one. */
const scriptOfUnit = new Uint8Array(65536)
for (const [from, to, script] of ranges) scriptOfUnit.fill(scripts.indexOf(script) + 1, from, to + 1)

export function detectLanguage(text: string): Language {
  const sample = sampleOf(text)
  const byScript = new Int32Array(scripts.length + 1)
  for (let i = 0; i < sample.length; i++) byScript[scriptOfUnit[sample.charCodeAt(i)]!]!++
  const counts = new Map(scripts.map((script, i) => [script, byScript[i + 1]!]))
  const letters = sample.length - byScript[0]!
  if (letters === 0) return { language: 'und', confidence: 0 }
  // A Chinese character says as much as about three Latin letters.
  const eastAsian = counts.get('han')! + counts.get('kana')!
  const total = letters + 2 * eastAsian
  const share = (name: string) => counts.get(name)! / total
  const eastAsianShare = (3 * eastAsian) / total
  if (eastAsianShare >= Math.max(0.5, share('ko'), share('latin'))) {
    const kana = counts.get('kana')! / eastAsian
    // Japanese prose is about half kana; a Chinese text may quote a Japanese name.
    if (kana > 0.1) return { language: 'ja', confidence: eastAsianShare }
    return { language: 'zh', confidence: eastAsianShare, ...scriptOf(sample) }
  }
  if (counts.get('latin')! * 2 >= letters) return latinLanguage(sample, share('latin'))
  const [best] = [...counts]
    .filter(([name]) => name !== 'han' && name !== 'kana' && name !== 'latin')
    .sort((a, b) => b[1] - a[1])
  return best![1] * 2 >= total
    ? { language: kinOf(best![0], sample), confidence: best![1] / total }
    : { language: 'und', confidence: 0 }
}

/** Beginning, middle and end of a long text. */
function sampleOf(text: string): string {
  if (text.length <= sampleLength) return text
  const third = Math.floor(sampleLength / 3)
  const middle = Math.floor(text.length / 2)
  return `${text.slice(0, third)} ${text.slice(middle, middle + third)} ${text.slice(-third)}`
}

/** Letters that a language has and the commonest one of its script has not. */
const kin: Record<string, [letters: RegExp, language: string][]> = {
  ru: [
    [/[іїєґ]/gi, 'uk'],
    [/[ђћљњџј]/gi, 'sr'],
  ],
  ar: [
    [/[ٹڈڑےں]/g, 'ur'],
    [/[پچژگکی]/g, 'fa'],
  ],
}

function kinOf(language: string, sample: string): string {
  for (const [letters, other] of kin[language] ?? [])
    if ((sample.match(letters)?.length ?? 0) * 60 > sample.length) return other
  return language
}

/** Simplified or traditional, by characters that only GB 2312 or only Big5 has; undefined where none or as many of both come. */
function scriptOf(sample: string): { script?: 'Hans' | 'Hant' } {
  const scriptOfCharacter = hanScripts()
  let lead = 0
  for (let i = 0; i < sample.length; i++) lead += scriptOfCharacter[sample.charCodeAt(i)]!
  return lead === 0 ? {} : { script: lead > 0 ? 'Hans' : 'Hant' }
}

let scriptTable: Int8Array | undefined

/** 1 for characters of GB 2312 that Big5 lacks, -1 for those of Big5's first level that GB 2312 lacks. The decoders know both standards. */
function hanScripts(): Int8Array {
  if (scriptTable !== undefined) return scriptTable
  scriptTable = new Int8Array(65536)
  const gb = decodedRows('gb18030', 0xb0, 0xf7, 0xa1, 0xfe)
  const big5 = decodedRows('big5', 0xa4, 0xf9, 0x40, 0xfe)
  const common = decodedRows('big5', 0xa4, 0xc6, 0x40, 0xfe)
  for (const character of gb) if (!big5.has(character)) scriptTable[character] = 1
  for (const character of common) if (!gb.has(character)) scriptTable[character] = -1
  return scriptTable
}

/** The Han characters among the two-byte codes from one lead byte to another. */
function decodedRows(charset: string, from: number, to: number, low: number, high: number): Set<number> {
  const bytes: number[] = []
  for (let lead = from; lead <= to; lead++) for (let trail = low; trail <= high; trail++) bytes.push(lead, trail, 0x0a)
  const text = new TextDecoder(charset).decode(Uint8Array.from(bytes))
  const found = new Set<number>()
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x4e00 && code <= 0x9fff) found.add(code)
  }
  return found
}

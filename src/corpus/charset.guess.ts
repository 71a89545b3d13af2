/**
 * Which encoding bytes are in that say nothing about it, by what text they would be.
 *
 * Each encoding reads the bytes; the reading that looks most like a language wins. Letters that the languages of an encoding use speak for it, the
 * more the commoner; signs between letters, capitals inside words, letters of two scripts in one word, and bytes that are nothing speak against it.
 * The lists are the letters of the languages by frequency (Chinese: the first of Jun Da's character frequency list, in both forms).
 */

interface Candidate {
  charset: string
  /** Of each language: what it writes beyond ASCII, in small letters, the common ones first. */
  languages: string[]
  /** Letters of this script only; Latin ones next to them speak against it. */
  script?: RegExp
  /** Two bytes a character. */
  wide?: boolean
  /** How much more it has to prove than the common ones. */
  rarity?: number
}

const simplified =
  '的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直，。、：；“”！？（）《》'
const traditional =
  '的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直，。、：；「」！？（）《》'
const kana =
  'のいにをはるたとがしでてなられこさまっりうかあすくもそけせきだどよれんえみやおちねわめほつばーンストルイラリアックドフシプロマタジレテグコサメバデニカムパ、。「」・！？日人出方一会上大事間生用見分行業入本合今年時手地高自気'
const hangul =
  '이다는의에을가고지로한하서대은사기를도자정인수시해으리부했전국있일나아어들제원장주라만보스과상것적회선문그경게위면년조공동구신등당성중연명우진관개무소와며내미비화여유교니말업오통후세간계러거분영마행안치모산방요실운할되최'
const russian = 'оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ'
const cyrillic = [
  russian,
  'оаинівретслкудмпзягьбчйхцжїєюшщґф',
  'аиеонтрсвлкдпмзугяъбчцжщйхшюф',
  'аоиенртсјвкудпмлзгбчшжцњљћђхф',
]

/** Order decides between equals: the commoner on the web first. */
const candidates: Candidate[] = [
  { charset: 'gb18030', languages: [simplified], wide: true },
  { charset: 'big5', languages: [traditional], wide: true },
  { charset: 'shift_jis', languages: [kana], wide: true },
  { charset: 'euc-jp', languages: [kana], wide: true },
  { charset: 'euc-kr', languages: [hangul], wide: true },
  {
    charset: 'windows-1252',
    languages: [
      'éèàêçôîâùûœëïüæ',
      'üäößé',
      'óíáéñúü¿¡',
      'ãçáéíóõêúàâô',
      'àèìùòé',
      'åäöéøæ',
      'ëéïèöü',
      'íáðþæóöúéý',
      'äöåé',
    ],
  },
  { charset: 'windows-1251', languages: cyrillic, script: /\p{Script=Cyrillic}/u },
  {
    charset: 'windows-1250',
    rarity: 0.3,
    languages: ['ąęłóśżćńź', 'íáéěřčšžýůúňťďó', 'éáöőóüíúű', 'ăîșşțţâ', 'áíéčšžýťôľúďňäóĺ', 'čšžćđ'],
  },
  { charset: 'windows-1254', rarity: 0.3, languages: ['ıüşğçöİâî'] },
  {
    charset: 'windows-1253',
    rarity: 0.3,
    languages: ['αοιετνσηρκπςμλυάίόήέγδχθύώωφβζξψϊ'],
    script: /\p{Script=Greek}/u,
  },
  {
    charset: 'windows-1256',
    rarity: 0.2,
    languages: ['اليمونترعةبدهسفقكحأجشطصىخإذضزثئغءظؤآـ،؟پچژگی'],
    script: /\p{Script=Arabic}/u,
  },
  { charset: 'windows-1255', rarity: 0.3, languages: ['יוהלאתרמבשנעםדחקפטגצסזןךףץכ'], script: /\p{Script=Hebrew}/u },
  {
    charset: 'windows-874',
    rarity: 0.3,
    languages: ['ารนกัมอง่เวย้สีิทลบดคตะปพหจชุแ์ขศำืูโไใธณผภษ็ึญถซฟฐฒฯฉๆ'],
    script: /\p{Script=Thai}/u,
  },
  { charset: 'windows-1257', rarity: 0.5, languages: ['ėšųžąįčūę', 'āšēīūžķģņļč', 'äõüöšž'] },
  { charset: 'windows-1258', rarity: 0.5, languages: ['đưôơâêăàáèéìíòóùú\u0301\u0300\u0309\u0303\u0323ýạ'] },
  { charset: 'koi8-r', rarity: 0.2, languages: [russian], script: /\p{Script=Cyrillic}/u },
  { charset: 'koi8-u', rarity: 0.5, languages: ['оаинівретслкудмпзягьбчйхцжїєюшщґф'], script: /\p{Script=Cyrillic}/u },
  { charset: 'iso-8859-2', rarity: 0.6, languages: ['ąęłóśżćńź', 'íáéěřčšžýůúňťďó', 'éáöőóüíúű'] },
  { charset: 'iso-8859-5', rarity: 0.6, languages: cyrillic, script: /\p{Script=Cyrillic}/u },
  { charset: 'ibm866', rarity: 0.6, languages: [russian], script: /\p{Script=Cyrillic}/u },
  {
    charset: 'iso-8859-6',
    rarity: 0.6,
    languages: ['اليمونترعةبدهسفقكحأجشطصىخإذضزثئغءظؤآـ،؟'],
    script: /\p{Script=Arabic}/u,
  },
  { charset: 'macintosh', rarity: 0.6, languages: ['éèàêçôîâùûœëïü', 'üäößé', 'óíáéñúü¿¡', 'ãçáéíóõêúàâô'] },
]

/** The most likely encoding; windows-1252, as browsers have it, where nothing speaks for any. */
export function guessCharset(bytes: Uint8Array): string {
  const sample = sampleOf(bytes)
  const beyond = sample.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0)
  let best = { charset: 'windows-1252', score: 0.05 }
  for (const candidate of candidates) {
    // A few characters prove little: then the common encodings have it.
    const score = plausibility(sample, candidate) - (candidate.rarity ?? 0) * Math.min(1, 8 / Math.max(1, beyond))
    if (score > best.score + 0.01) best = { charset: candidate.charset, score }
  }
  return best.charset
}

/** Whether an encoding cannot be meant: a tenth of what it reads is nothing, or far less like a language than what another reads. */
export function misreads(bytes: Uint8Array, charset: string): boolean {
  const sample = sampleOf(bytes)
  const text = new TextDecoder(charset).decode(sample)
  const beyond = text.match(/[^\0-\x7f]/g)?.length ?? 0
  const bad = text.match(/[\ufffd\x80-\x9f]/g)?.length ?? 0
  if (beyond > 20 && bad > 0.1 * beyond) return true
  const candidate = candidates.find((one) => one.charset === charset) ?? (charset === 'gbk' ? candidates[0] : undefined)
  if (candidate === undefined || beyond < 40) return false
  const score = plausibility(sample, candidate)
  return score < 0.1 && candidates.some((other) => plausibility(sample, other) > score + 0.3)
}

const longest = 1 << 15

/** From the first byte beyond ASCII on: heads of pages have none. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte >= 0x80)
  // A character may begin one byte earlier; text around it helps to judge.
  return bytes.subarray(Math.max(0, first - 16), Math.max(0, first) + longest)
}

const weights = new Map<string, ReadonlyMap<string, number>[]>()

/** What each language gives for a character: 1 for the commonest, less for rare ones, and below zero for the rarest of a whole alphabet. */
function weightsOf({ charset, languages, script, wide }: Candidate): ReadonlyMap<string, number>[] {
  let found = weights.get(charset)
  if (found === undefined) {
    found = languages.map((list) => {
      const all = [...list]
      const fall = wide === true ? 0.3 : script === undefined ? 0.6 : 1.5
      return new Map(all.map((char, i) => [char, 1 - (fall * i) / all.length]))
    })
    weights.set(charset, found)
  }
  return found
}

const letter = /\p{L}|\p{M}/u
const latin = /[a-zA-Z]/
const upper = /\p{Lu}/u
const lower = /\p{Ll}/u
const ideograph = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u
const punctuation = new Set('‘’“”„«»–—…•·©®°§€£ \u00a0²³½№™ªº´')

/** Between about −1 and 1: how much the bytes read as an encoding look like one of its languages. 0 where all is ASCII. */
function plausibility(sample: Uint8Array, candidate: Candidate): number {
  const text = new TextDecoder(candidate.charset).decode(sample)
  const tables = weightsOf(candidate)
  const sums = tables.map(() => 0)
  let rest = 0
  let count = 0
  // The ends may be halves of characters.
  for (let i = 1; i < text.length - 2; i++) {
    const char = text[i]!
    if (char <= '\x7f') continue
    count++
    if (char === '\ufffd' || (char >= '\x80' && char <= '\x9f') || (char >= '\ue000' && char <= '\uf8ff')) {
      rest -= 3
      continue
    }
    if (candidate.wide === true) {
      let known = false
      for (const [k, table] of tables.entries()) {
        const weight = table.get(char)
        if (weight === undefined) continue
        sums[k]! += weight
        known = true
      }
      // Half-width katakana, and rare forms, are what other encodings turn into.
      if (!known) rest += char >= '\uff61' && char <= '\uff9f' ? -0.5 : ideograph.test(char) ? 0 : -0.2
      continue
    }
    const [before, after] = [text[i - 1]!, text[i + 1]!]
    const inside = letter.test(before) && letter.test(after)
    if (!letter.test(char)) {
      rest += !punctuation.has(char) ? (inside ? -1 : -0.5) : !inside ? 0.3 : char === '’' ? 0.9 : -0.5
      if (tables.some((table) => table.has(char))) rest += 0.5
      continue
    }
    if (upper.test(char) && (lower.test(before) || (lower.test(after) && upper.test(before)))) rest -= 1
    if (candidate.script !== undefined && (latin.test(before) || latin.test(after))) rest -= 0.7
    const small = char.toLowerCase()
    for (const [k, table] of tables.entries()) sums[k]! += table.get(small) ?? -0.7
  }
  return count === 0 ? 0 : (Math.max(...sums) + rest) / count
}

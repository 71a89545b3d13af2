/**
 * Which language a text is in, from its script and its commonest words; sure about Chinese and English, which is what it is for.
 *
 * Chinese, Japanese, Korean and the languages with a script of their own are told by their letters; the Latin ones by function words.
 * `und` where nothing speaks. A trained n-gram model would know more languages; this one needs no data and is fast.
 */

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
  [0x590, 0x5ff, 'he'],
  [0x600, 0x6ff, 'ar'],
  [0x900, 0x97f, 'hi'],
  [0xe00, 0xe7f, 'th'],
  [0x1100, 0x11ff, 'ko'],
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

/** Frequent words that few neighbours share; order does not matter. */
const functionWords: Record<string, string> = {
  en: "the of and to in is was that for it with as his on be at by had not are but from or have an they which you were her she there would their we him been has when who will more no if out so said what up its about into than them can only other some could these two may then do first any my now such like our over man me even most made after also did many before must through years where much your way well down should because each just those people mr how too little state good very make world still own see men work long get here between both life being under never same another know while last might us great old year off come since against go came right used take three i it's don't i'm he all this",
  de: 'der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei kann gegen vom schon wenn habe seine ihre wir ich ihr unter',
  fr: "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont ou avec son aux d'un cette ses mais comme on tout nous sa été fait être leur ont elle même deux ces ans était peut vous je c'est d'une s'est l'on qu'il très où",
  es: 'de la que el en y los del se las por un para con no una su al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde',
  it: "di e il la che in a per un è del non una i le si con da al dei come nel più anche della alla sono gli ha lo ma delle ed su o dal questo se dalla suo sua era loro ci stato essere fra tra quando tutti due dopo molto perché anni cui l'ha dell'anno",
  pt: 'de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à seu sua ou quando muito nos já eu também só pelo pela até isso ela entre depois sem mesmo aos seus quem nas me esse eles você essa num nem suas meu às minha numa elas são foi está',
  nl: 'de en van het een in is dat op te zijn met voor niet aan er om hij die maar ook als bij dan nog uit door naar heeft over ze wordt wel worden tot meer of deze kan was werd al geen ik je mijn haar hun wij zo had',
  vi: 'và của là có được trong cho không một các người với những này đã khi để từ đến cũng như về ra còn ở nhưng phải vào bị nhiều trên sẽ tại năm làm đó theo lại thì đi hơn việc rất sau',
  sv: 'och i att det som en på är av för med den till inte har de ett om var men jag sig från vi så kan man när år han hon där under också efter eller nu bara',
  pl: 'w i na z do nie się to że jest o jak po od za dla przez ale tym przy był jego oraz może tak już są co ma być które który',
  tr: 've bir bu da de için ile olarak çok daha olan gibi en ne kadar var sonra ama o ki olduğu ise değil mi her',
  id: 'yang dan di dengan untuk tidak ini dari dalam itu akan pada juga ke karena tersebut bisa ada oleh mereka saya kita telah sudah adalah',
}
const languages = Object.keys(functionWords)
/** Each word with one bit for each language that has it. */
const languagesOfWord = new Map<string, number>()
for (const [i, list] of Object.values(functionWords).entries()) {
  for (const word of list.split(' ')) languagesOfWord.set(word, (languagesOfWord.get(word) ?? 0) | (1 << i))
}

/** Characters that only one of the two ways of writing Chinese has; the most frequent ones. */
const simplified =
  /[这国们来为说时对会过后还见头长门问开关东车马鸟鱼语话读书学习万与专业丝两严丧个临举义乐乡买乱争亚产亲从仅仓优传伤伟]/g
const traditional =
  /[這國們來為說時對會過後還見頭長門問開關東車馬鳥魚語話讀書學習萬與專業絲兩嚴喪個臨舉義樂鄉買亂爭亞產親從僅倉優傳傷偉]/g

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
    ? { language: best![0], confidence: best![1] / total }
    : { language: 'und', confidence: 0 }
}

/** Beginning, middle and end of a long text. */
function sampleOf(text: string): string {
  if (text.length <= sampleLength) return text
  const third = Math.floor(sampleLength / 3)
  const middle = Math.floor(text.length / 2)
  return `${text.slice(0, third)} ${text.slice(middle, middle + third)} ${text.slice(-third)}`
}

function scriptOf(sample: string): { script?: 'Hans' | 'Hant' } {
  const hans = sample.match(simplified)?.length ?? 0
  const hant = sample.match(traditional)?.length ?? 0
  return hans === hant ? {} : { script: hans > hant ? 'Hans' : 'Hant' }
}

function latinLanguage(sample: string, share: number): Language {
  const tokens =
    sample
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/[\p{L}\p{M}']+/gu) ?? []
  const hits = new Int32Array(languages.length)
  for (const token of tokens) {
    let bits = languagesOfWord.get(token) ?? 0
    for (let i = 0; bits !== 0; i++, bits >>>= 1) hits[i]! += bits & 1
  }
  const [first, second] = [...hits.entries()].sort((a, b) => b[1] - a[1])
  const best = { language: languages[first![0]]!, hits: first![1] }
  if (best.hits === 0) return { language: 'und', confidence: 0 }
  // Prose has a function word in two or three, a list of names or prices still one in ten.
  const density = best.hits / tokens.length
  if (density < 0.08) return { language: 'und', confidence: density }
  return { language: best.language, confidence: share * Math.min(1, density * 8) * (1 - second![1] / (2 * best.hits)) }
}

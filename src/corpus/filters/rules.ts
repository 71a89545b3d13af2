/** Every rule in words, as `value … < threshold` reads on; one table for verdicts, reports and `xueba corpus explain`. */

export interface RuleText {
  en: string
  zh: string
  /** There is no number to tell: something is there, or it is not. */
  presence?: true
}

const texts: Record<string, RuleText> = {
  'url/domain': { en: 'the domain is on a blocklist', zh: '域名在屏蔽名单上', presence: true },
  'url/address': { en: 'the address is on a blocklist', zh: '网址在屏蔽名单上', presence: true },
  'url/word': { en: 'the host holds a blocked word', zh: '域名里有屏蔽词', presence: true },
  'url/soft-words': { en: 'different suspicious words in the address', zh: '网址里不同的可疑词的个数' },
  language: { en: 'the language', zh: '语种', presence: true },
  'min-length/words': { en: 'words', zh: '词数' },
  'min-length/characters': { en: 'characters', zh: '字数' },
  'gopher-repetition/paragraphs': { en: 'of the paragraphs came before', zh: '重复段落占段落数' },
  'gopher-repetition/paragraph-characters': {
    en: 'of the characters lie in paragraphs that came before',
    zh: '重复段落的字符占全文',
  },
  'gopher-repetition/lines': { en: 'of the lines came before', zh: '重复行占行数' },
  'gopher-repetition/line-characters': {
    en: 'of the characters lie in lines that came before',
    zh: '重复行的字符占全文',
  },
  'gopher-quality/words': { en: 'words', zh: '词数' },
  'gopher-quality/characters': { en: 'characters', zh: '字数' },
  'gopher-quality/hashes': { en: '# a word', zh: '每词的 # 号数' },
  'gopher-quality/ellipses': { en: 'ellipses a word', zh: '每词的省略号数' },
  'gopher-quality/bullet-lines': { en: 'of the lines open with a bullet', zh: '以项目符号开头的行占行数' },
  'gopher-quality/ellipsis-lines': { en: 'of the lines end in an ellipsis', zh: '以省略号结尾的行占行数' },
  'gopher-quality/mean-word': { en: 'characters a word', zh: '平均词长（字符）' },
  'gopher-quality/alpha-words': { en: 'of the words and marks hold a letter', zh: '含字母或汉字的词占词数' },
  'gopher-quality/letters': { en: 'of the characters are letters', zh: '文字占字符数（不计空白和标点）' },
  'gopher-quality/stop-words': { en: 'different stop words', zh: '不同停用词的个数' },
  'c4/lorem-ipsum': { en: 'it holds "lorem ipsum"', zh: '有占位文本 lorem ipsum', presence: true },
  'c4/curly-bracket': { en: 'it holds "{"', zh: '有花括号 {', presence: true },
  'c4/sentences': { en: 'sentences', zh: '句数' },
  'c4/long-word': { en: 'lines with an endless word (dropped)', zh: '含超长词的行（已删）' },
  'c4/fragment': { en: 'fragments of lines (dropped)', zh: '太短的残行（已删）' },
  'c4/notice': { en: 'lines of notices (dropped)', zh: '提示性的行（已删）' },
  'fineweb/punctuation': { en: 'of the lines end in punctuation', zh: '以标点结尾的行占行数' },
  'fineweb/short-lines': { en: 'of the lines are short', zh: '短行占行数' },
  'fineweb/duplicate-characters': {
    en: 'of the characters lie in lines that came before',
    zh: '重复行的字符占全文',
  },
  'fineweb/line-breaks': { en: 'line breaks a word or character', zh: '每词（字）的换行数' },
  'blocked-words/gambling': { en: 'points for gambling in 100 words', zh: '每百词的赌博得分' },
  'blocked-words/adult': { en: 'points for pornography in 100 words', zh: '每百词的色情得分' },
  'blocked-words/drugs': { en: 'points for drug sales in 100 words', zh: '每百词的毒品违禁药得分' },
  'toxic-words': { en: 'abusive and obscene words in 100 words', zh: '每百词的脏话和淫秽词数' },
  decontamination: { en: 'n-grams shared with evaluation questions', zh: '与评测题相同的 n 元组个数' },
}

export function ruleText(rule: string): RuleText {
  const [, form, n] = /^gopher-repetition\/(top|duplicate)-(\d+)-grams?$/.exec(rule) ?? []
  if (form === 'top') return { en: `of the characters are the commonest ${n}-gram`, zh: `最常见的 ${n} 元组占全文` }
  if (form === 'duplicate')
    return { en: `of the characters lie in ${n}-grams that came before`, zh: `重复出现的 ${n} 元组占全文` }
  return texts[rule] ?? { en: rule, zh: rule }
}

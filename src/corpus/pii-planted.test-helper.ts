/** Personal data that nobody owns: made from random digits with computed check digits, in sentences of both languages. */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import type { PiiKind } from './pii.ts'

export interface Planted {
  kind: PiiKind
  text: string
  /** What must not be there after masking. */
  secret: string
}

const digits = (r: Random, count: number) => Array.from({ length: count }, () => r.below(10)).join('')

function identity(r: Random): string {
  const province = r.pick(['11', '31', '32', '37', '44', '51', '62'])
  const date = `${r.pick(['19', '20'])}${r.pick(['03', '17', '48', '85', '99'])}${r.pick(['01', '06', '12'])}${r.pick(['02', '15', '28'])}`
  const first = `${province}${digits(r, 4)}${date}${digits(r, 3)}`
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, i) => total + weight * Number(first[i]), 0)
  return first + '10X98765432'[sum % 11]
}

function card(r: Random): string {
  const [prefix, length] = r.pick([
    ['622848', 19],
    ['621700', 19],
    ['625', 16],
    ['4', 16],
    ['51', 16],
    ['2720', 16],
    ['37', 15],
    ['3530', 16],
  ] as const)
  const first = prefix + digits(r, length - prefix.length - 1)
  let sum = 0
  for (let i = 0; i < first.length; i++) {
    const doubled = (i % 2 === 0 ? 2 : 1) * Number(first[first.length - 1 - i])
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  const whole = `${first}${(10 - (sum % 10)) % 10}`
  if (length === 15) return r.pick([whole, `${whole.slice(0, 4)} ${whole.slice(4, 10)} ${whole.slice(10)}`])
  return r.pick([whole, whole.match(/\d{1,4}/g)!.join(' '), whole.match(/\d{1,4}/g)!.join('-')])
}

function phone(r: Random): string {
  const exchange = () => `${2 + r.below(8)}${r.pick(['02', '45', '76', '83'])}`
  const mobile = `1${r.pick(['39', '86', '50', '77', '95'])}${digits(r, 8)}`
  const [area, office, line] = [exchange(), exchange(), digits(r, 4)]
  return r.pick([
    mobile,
    `+86 ${mobile}`,
    `+86${mobile}`,
    `${mobile.slice(0, 3)}-${mobile.slice(3, 7)}-${mobile.slice(7)}`,
    `${mobile.slice(0, 3)} ${mobile.slice(3, 7)} ${mobile.slice(7)}`,
    `0${r.pick(['10', '21', '571', '755'])}-${2 + r.below(7)}${digits(r, 7)}`,
    `(0${r.pick(['10', '21', '28'])})${2 + r.below(7)}${digits(r, 7)}`,
    `(${area}) ${office}-${line}`,
    `${area}-${office}-${line}`,
    `${area}.${office}.${line}`,
    `+1 ${area} ${office} ${line}`,
    `+1-${area}-${office}-${line}`,
    `+44 20 7${digits(r, 3)} ${digits(r, 4)}`,
    `+49 (0)30 ${digits(r, 6)}`,
    `+33 1 ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)} ${digits(r, 2)}`,
    `+81 3-${digits(r, 4)}-${digits(r, 4)}`,
  ])
}

const name = (r: Random) => r.pick(['wang_li', 'j.smith', 'zhao2019', 'mary-anne.o', 'x', 'li.lei+news', 'support'])
const makers: Record<PiiKind, (r: Random) => string> = {
  identity,
  card,
  phone,
  email: (r) =>
    `${name(r)}${r.below(1000)}@${r.pick(['mail', 'uni', 'a-b', 'qq'])}.${r.pick(['test', 'co.uk', 'edu.cn', 'com', 'info'])}`,
  ip: (r) =>
    r.pick([
      `${r.pick([8, 45, 114, 203, 218])}.${10 + r.below(200)}.${r.below(250)}.${1 + r.below(250)}`,
      `2${r.pick(['40e', '001', '607', 'a02'])}:${r.below(9000) + 100}:${r.below(9000) + 100}::${r.below(9000) + 1}`,
      `2409:8a00:${1 + r.below(9)}b2:${1 + r.below(8)}f30:1c2d:3e4f:a${r.below(900) + 100}:77`,
    ]),
}
const sentences: Record<PiiKind, string[]> = {
  email: ['Write to {} by Friday.', '有意者请把简历发到{}，谢谢。', 'Contact: <{}>', '邮箱：{}'],
  ip: ['The request came from {}.', '登录地址为{}，请核对。', 'ping {} answered', 'IP {} 已被封禁'],
  phone: [
    'Call {} after six.',
    '联系电话：{}。',
    '请拨打{}咨询张老师',
    'Tel. {}, ask for Anna',
    'My number is {}.',
    '手机 {}（微信同号）',
  ],
  identity: ['身份证号{}。', '公民身份号码：{}', 'ID number {} was registered.', '张三，{}，住址略'],
  card: ['卡号 {}', '请汇款至银行账户{}，户名李四。', 'Please pay to card {} today.', 'Card: {}'],
}

/** `count` of each kind, always the same ones. */
export function plantPii(count: number, seed = 1): Planted[] {
  const r = random(seed, 'planted pii')
  return (Object.keys(makers) as PiiKind[]).flatMap((kind) =>
    Array.from({ length: count }, () => {
      const secret = makers[kind](r)
      return { kind, secret, text: r.pick(sentences[kind]).replace('{}', secret) }
    }),
  )
}

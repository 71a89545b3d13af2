import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plantPii } from './pii-planted.test-helper.ts'
import { maskPii, piiConfig } from './pii.ts'

const config = piiConfig.parse({})
const mask = (text: string) => maskPii(text, config).text

// Numbers and names are made up; check digits are computed, not anyone's.
test.each([
  ['Write to anna.b+x@mail.school.example, please.', 'Write to email@example.com, please.'],
  ['邮箱：wang_li@qq.test。', '邮箱：email@example.com。'],
  ['发到abc@def.test吧', '发到email@example.com吧'],
  ['The server 8.8.4.4 answered.', 'The server 192.0.2.1 answered.'],
  ['手机13912345678，请来电。', '手机13800000000，请来电。'],
  ['手机 +86 139-1234-5678', '手机 13800000000'],
  ['电话 010-62345678 转 3', '电话 555-0100 转 3'],
  ['Call (415) 867-5309 or 415-867-5309.', 'Call 555-0100 or 555-0100.'],
  ['Call +44 20 7946 0958 now', 'Call 555-0100 now'],
  ['身份证号11010519491231002X。', '身份证号000000190001010000。'],
  ['卡号 4111 1111 1111 1111', '卡号 0000000000000001'],
  ['From 2409:8a00:1b2:7f30:1c2d:3e4f:a123:77 at noon', 'From 2001:db8::1 at noon'],
  ['请拨010-62345678或（010）62345678', '请拨555-0100或555-0100'],
  ['电话：6234 5678', '电话：555-0100'],
  ['2024-11-25 4111 1111 1111 1111', '2024-11-25 0000000000000001'],
  ['see http://114.80.20.3/a and ip=8.8.8.8', 'see http://192.0.2.1/a and ip=192.0.2.1'],
  ['Tel. 020 7946 0958', 'Tel. 555-0100'],
  ['旧身份证 110105491231002', '旧身份证 000000190001010000'],
])('%s', (text, masked) => {
  expect(mask(text)).toBe(masked)
})

test.each([
  'Version 10.0.0.1 and 192.168.1.1 are local; 1.2.3.4.5 is no address, nor is 300.1.2.3.',
  'In 1987 there were 12,345,678 people; 3.14159265358979; 2024-01-31; 20240131.',
  'Order 11010519491231002 and 110105194912310021 are not identity numbers.',
  'No card: 4111 1111 1111 1112. A price: 13912345678.50',
  'Chrome/120.0.6099.71, version 8.8.4.4, v1.2.3.4, § 3.2.1.4, node-4.19.20.1, 5.6.7.8-rc1',
  '3.2.1.4 Results\nText.',
  '::1, fe80::1, 2001:db8::7, std::cout, 12:30:45 and a::b are private, local or none.',
  'ISBN 978-7-111-54742-6, ISBN 0-306-40615-2, DOI 10.1000/182, 3 456 789 people, 1 234 567 890 yuan.',
  'Phone 2010-2015, call 911, 拨打12345热线或110，电话：120。',
  'The sum is +12345678, from +5 to +10; 2019-2020-2021; 192.168.0.1:8080.',
  '订单号202411251234567890123，快递单号 SF1391234567890，时间戳1732550400000。',
  '手机销量12345678部，电话用户98765432户。',
  'logo@2x.png and package@1.2.3 and user@localhost are no addresses.',
  'a@b is no address, @anna is a name, and 5@3 is a score.',
])('left alone: %s', (text) => {
  expect(mask(text)).toBe(text)
})

test('counts what it replaced, and each kind can be left alone', () => {
  const text = 'a@b.test 13912345678 8.8.8.8'
  expect(maskPii(text, config).counts).toEqual({ email: 1, ip: 1, phone: 1, identity: 0, card: 0 })
  expect(maskPii(text, { email: false, ip: false, phone: false, identity: false, card: false }).text).toBe(text)
})

test('planted data is found, and nothing of it stays', () => {
  const planted = plantPii(300)
  for (const kind of ['email', 'ip', 'phone', 'identity', 'card'] as const) {
    const own = planted.filter((item) => item.kind === kind)
    const missed = own.filter(({ text, secret }) => {
      const masked = maskPii(text, config)
      return masked.text.includes(secret) || masked.counts[kind] !== 1
    })
    expect([kind, missed.slice(0, 5), missed.length / own.length < 0.02]).toEqual([kind, missed.slice(0, 5), true])
  }
})

test('masking twice is masking once, and long runs end soon', () => {
  const unit = fc.constantFrom('1', '3', '9', '0', '.', '-', ' ', '@', 'a', '+', 'x.test', '中')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
      expect(mask(mask(text))).toBe(mask(text))
    }),
    { numRuns: 2000 },
  )
  const start = performance.now()
  for (const part of ['1', 'a.', 'a@', '1.', '1-', '+1 11 ']) mask(part.repeat(100_000))
  expect(performance.now() - start).toBeLessThan(5000)
})

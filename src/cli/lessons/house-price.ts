/** Prints lesson zero: guess, error, gradient, new guess. */
import { fitHouses, HOUSES, type Look, readHouses } from '../../lessons/index.ts'
import { openEngine } from '../../tensor/open.node.ts'
import { UserError } from '../../run/index.ts'
import { say } from '../language.ts'
import type { LessonFlags } from './flags.ts'

/** Steps that are printed, besides the last. */
const SHOWN = new Set([0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000])

export async function housePrice({ csv, area, price, steps, json }: LessonFlags): Promise<void> {
  const houses = csv === undefined ? HOUSES : await readHouses(csv, { area, price })
  const engine = await openEngine()
  try {
    const { shown, units, rate, best, looks } = begin(() => fitHouses(engine, houses, steps))
    if (json) console.log(JSON.stringify({ houses: houses.length, shown, units, rate, best }))
    else introduce(houses.length, shown.area, shown.price)
    let last: Look | undefined
    for await (const look of looks) {
      last = look
      if (json) console.log(JSON.stringify(look))
      else if (SHOWN.has(look.step) || look.step === steps) console.log(row(look))
    }
    if (!json) conclude(last!, best)
  } finally {
    await engine.close()
  }
}

/** Mistakes in the data as sentences. */
function begin<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new UserError(error.message, '一条直线至少要由两套面积不同的房子来定', { cause: error })
  }
}

function introduce(count: number, area: number, price: number): void {
  console.log(
    say({
      en: `${count} houses. The model: price = w × area + b. It has two parameters and knows nothing, so both are 0.
Look at the house of ${number(area)}, sold for ${number(price)}, and follow one guess at a time.
The gradient says how fast the error grows when w or b grows: each step goes a little the other way.
`,
      zh: `一共 ${count} 套房子。模型是：价格 = w × 面积 + b。它只有两个参数，什么都还不懂，所以都是 0。
盯住面积 ${number(area)}、成交价 ${number(price)} 的那一套，看它一次一次地猜。
梯度说的是：w 或 b 变大一点，误差会涨多快。每一步都朝反方向挪一点。
`,
    }),
  )
  const head = say({ en: 'step|w|b|guess|error|gradient of w|of b', zh: '步|w|b|猜的价|误差|w 的梯度|b 的梯度' })
  console.log(line(head.split('|')))
}

const row = ({ step, w, b, guess, error, gradW, gradB }: Look) =>
  line([String(step), ...[w, b, guess, error, gradW, gradB].map(number)])

/** Columns of 12, of 6 the first; Han characters take two. */
const line = (cells: readonly string[]) =>
  cells.map((cell, i) => ' '.repeat(Math.max(1, (i ? 14 : 6) - width(cell))) + cell).join('')

const width = (text: string) => [...text].reduce((sum, c) => sum + (/\p{Script=Han}/u.test(c) ? 2 : 1), 0)

function conclude({ w, b, error }: Look, best: { w: number; b: number; error: number }): void {
  console.log(
    say({
      en: `
It found price = ${number(w)} × area + ${number(b)}, off by ${number(error)} on average. No straight line does better than ${number(best.error)}
(w ${number(best.w)}, b ${number(best.b)}, by formula). For two parameters there is a formula; for a million there is none, but the steps are
the same: guess, error, gradient, new guess. A language model guesses the next token instead of a price.`,
      zh: `
它找到的是：价格 = ${number(w)} × 面积 + ${number(b)}，平均差 ${number(error)}。任何直线都不会比 ${number(best.error)} 更准
（公式算出来 w 是 ${number(best.w)}，b 是 ${number(best.b)}）。两个参数有现成的公式，一百万个参数就没有了，但做法一模一样：
猜，看差多少，求梯度，再猜。语言模型无非是把“猜价格”换成了“猜下一个词元”。`,
    }),
  )
}

/** Four digits. */
const number = (value: number) =>
  Math.abs(value) >= 1e7 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 6 : 4)))

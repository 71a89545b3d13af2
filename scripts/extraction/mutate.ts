/** Broken copies of a page: pieces cut out, doubled, moved, replaced by tags and signs; the same ones every time. */
import { random } from '../../src/tensor/random.ts'

const pieces =
  '<div> </div> <p> </p> <table> <tr> <td> </td> <li> <ul> </ul> <a href=x> <a href="x </a> <br> <!-- --> <pre> </pre> <script> </script> <style> <title> <h1> </h2> <svg> </svg> <b> <i> </b> <form> <select> <option> <template> <noscript> <body> <html> <frameset> &amp &#x; &#99999999; <![CDATA[ ]]> <? > < " \' \0 \ufffd \ud800 汉字。 text'.split(
    ' ',
  )

/** The `index`-th of the copies that a seed gives. */
export function mutate(html: string, seed: number, index: number): string {
  const { below, pick } = random(seed, 'mutate', index)
  let text = html
  for (let edits = 1 + below(12); edits > 0; edits--) {
    const at = below(text.length + 1)
    const length = below(Math.max(2, text.length >> (2 + below(8))))
    const piece = text.slice(at, at + length)
    switch (below(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + length)
        break
      case 1:
        text = text.slice(0, at) + piece + text.slice(at)
        break
      case 2:
        text = text.slice(0, at)
        break
      case 3: {
        const to = below(text.length + 1)
        text = text.slice(0, to) + piece + text.slice(to)
        break
      }
      default:
        text = text.slice(0, at) + pick(pieces).repeat(below(8) === 0 ? below(3000) : 1) + text.slice(at)
    }
    if (text.length > 2 * html.length + 100_000) text = text.slice(0, html.length)
  }
  return text
}

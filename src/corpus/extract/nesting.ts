/**
 * Which tags hold which: the rules of the HTML standard for tags that may be left out, as far as they decide which text belongs together.
 *
 * Left out: rebuilding emphasis across blocks, moving text out of tables. Neither moves text to another block.
 */

const setOf = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Nothing in them is text of the page. */
export const never = setOf(
  'svg math canvas audio video map object applet select datalist template dialog button frameset option optgroup',
)
/** Without an end. */
export const empty = setOf('area base br col embed frame hr img input link meta param source track wbr')
export const blockTags = setOf(
  'address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup html li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul caption',
)
export const headings = setOf('h1 h2 h3 h4 h5 h6')
export const listItems = setOf('li dd')
export const paragraph = setOf('p')
/** Cells of tables and what holds them: an end tag inside reaches no further. */
export const scopes = setOf('td th caption table')
const tableParts = setOf('table tbody thead tfoot tr')

const lists = setOf('ul ol menu dir table td th')
const terms = setOf('dl table td th')
const table = setOf('table')
const groups = setOf('tbody thead tfoot')

/** Of a tag: the open tags that it ends, and those at which the search for them stops. */
export const implied: ReadonlyMap<string, readonly [ends: ReadonlySet<string>, stops: ReadonlySet<string>]> = new Map([
  ['li', [setOf('li'), lists]],
  ['dt', [setOf('dt dd'), terms]],
  ['dd', [setOf('dt dd'), terms]],
  ['td', [setOf('td th'), setOf('table tr')]],
  ['th', [setOf('td th'), setOf('table tr')]],
  ['tr', [setOf('tr'), table]],
  ['tbody', [groups, table]],
  ['thead', [groups, table]],
  ['tfoot', [groups, table]],
])

/** Where among the open tags the one is that an end tag of a block ends; -1 when there is none in reach. */
export function openBlock(open: readonly { tag: string }[], tag: string): number {
  const heading = headings.has(tag)
  for (let i = open.length - 1; i > 0; i--) {
    const above = open[i]!.tag
    if (above === tag || (heading && headings.has(above))) return i
    if (above === 'table' || (scopes.has(above) && !tableParts.has(tag))) return -1
  }
  return -1
}

/** The same for links and emphasis. */
export function openInline(open: readonly { tag: string }[], tag: string): number {
  for (let i = open.length - 1; i > 0; i--) {
    const above = open[i]!.tag
    if (above === tag) return i
    if (scopes.has(above)) return -1
  }
  return -1
}

/**
 * What class names, ids and roles say about a box: that it is furniture, or that it is the article.
 *
 * Names are read word by word: `article__share-bar`, `articleShareBar` and `share_bar` all hold `share`. A word counts, a slug that happens to hold
 * it does not. The lists come from pages (those of the development half, see docs/log.md) and from what content management systems emit.
 */
import type { Box } from './blocks.ts'

const setOf = (words: string) => new Set(words.trim().split(/\s+/))

/** Whatever its size, short of most of the page's prose. */
const furniture = setOf(`
  nav navbar navi navigation subnav topnav menu submenu menus menubar breadcrumb breadcrumbs breadcrump crumb crumbs sidebar sidebars sidebox aside footer foot
  footnav copyright imprint impressum recirc recirculation nextstory nextpost nextarticle
  sociable share shares sharing sharer sharebar sharebox sharethis addthis addtoany sharedaddy social socials socialmedia shariff
  
  ad ads adv advert adverts advertisement advertising advertise adsense adslot adsbygoogle adbox anzeige werbung publicidad sponsor sponsored sponsors
  promo promos promotion promobox newsletter newsletters subscribe subscription subscriptions signup login logout signin register registration
  paywall searchform searchbox pager pagination paginator paging toolbar toolbox taglist tagcloud tagging skiplink skiplinks
  mostread mostpopular popular trending readmore morestories furtherreading seealso
  jetpack jp bookmark bookmarks printfriendly donate donation donations feedback rating ratings votes voting poll teasers teaserlist
  authorbox authorbio bio byline bylines dateline breakingnews ticker marquee
  editsection catlinks printfooter navbox metadata sistersitebox
`)
/** However much of it there is, as long as there is an article too. */
const comments = setOf(`
  comment comments commentlist commentform commentsblock commentaires kommentare kommentar comentarios disqus livefyre respond
`)
/** The same. */
const after = setOf(`
  related relatednews relatedposts relateds recommend recommended recommendation recommendations outbrain taboola plista zergnet
  cookie cookies cookiebar consent gdpr cmp optanon popup modal modals lightbox overlay offcanvas
`)
/** Where there is little text; else such a word may well be part of the article's name. */
const slight = setOf(`
  author authors date datetime dates time timestamp pubdate published publish posted updated meta postmeta entrymeta postinfo info infos category categories cat cats
  tag tags credit credits caption captions copyrights source label labels kicker overline eyebrow rubrik section-name location reading-time readtime views counter count likes like
  follow followus contact widget widgets banner search more button buttons btn icon icons tooltip print email mail actions action controls disclaimer
  notice legal hint toc skip pagenav prev previous next player video audio subtitle-label reply replies
  caption figcaption imagecaption legende bildunterschrift bildtext photo credit copyright quelle fotograf
  rss feed feeds hot tool tools box-links links linklist hide
`)
/** Both in one name: what is written below a picture. */
const pictures = setOf('img image images picture photo foto bild media video gallery slider slideshow lightbox')
const captions = setOf(
  'description desc descr caption text title info legend meta details credit subtitle author copyright',
)
/** Inside of words that designers run together, such as `commentsbox` and `newsletterform`. */
const stems =
  /newsletter|breadcrumb|sidebar|cookie|comment(s|list|form|box|area|section|count)|related(post|article|new|stor|link|content|topic|item)|advert|social(share|media|icon|bar|link|button)|share(button|bar|link|box|this|tool|icon)|promo(box|tion)|sponsor|werbung|paywall|outbrain|taboola|recommend|disqus|pagination|navbar|author(box|bio|info|card)|saboxplugin|citate|disclosure|disclaimer|affiliate|appstore|sociable|subscri(be|ption)(box|form|widget)|mostread|readmore|moreon|nextup|seealso/
/** Both in one name: who wrote it. */
const people = setOf('author authors autor writer contributor journalist')
const cards = setOf(
  'box bio info about card profile description desc detail details wrapper block biography image avatar name',
)
const negations = setOf(
  'has have with without no not is show hide enable disable disabled closed open single layout col columns post type page',
)
const bodyNames =
  /(^|\s)((?:article|story|post|entry|news|blog|detail|page|content|main|text|topic|single)[-_]*(?:body|content|text|txt|bodytext|maintext|copy|richtext|detail)|article[-_]+content[-_]+body|articlebody|articletext|bodytext|body-?copy|artikel-?(?:text|content|body|inhalt)|(?:td|entry|post)[-_]post[-_]content|(?:field-name-)?field[-_]+(?:name[-_]+)?(?:body|article-body)|body__container|contenttext|txt_?cont\w*|rich_media_content|main_?content_?body|the_?content|article_?con\w*|con_?txt|news_?con\w*|cont(?:ent)?_?(?:txt|main)|(?:article|story|post|entry)[-_]+(?:main|inner)[-_]+(?:content|body|text)|markdown-body|prose|story|mw-parser-output|mw-content-text|b-?story-?text|paragraphs?|article__(?:body|content|text)\S*|(?:post|entry|story|content)__(?:body|content|text)\S*)(?=\s|$)/i
const mainNames =
  /(^|\s)(article|main|content|main-?content|maincontent|post|hentry|entry|story|maintext|primary|contents)(?=\s|$)/i

const split = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.replace(/^(\p{L}{3,})\d+$/u, '$1'))
    .filter((word) => word !== '')

export type Nature = 'comments' | 'after' | 'furniture' | 'slight' | 'none'

/** By its tag, role, names. */
export function natureOf(box: Box): Nature {
  if (box.label === '') return 'none'
  let nature: Nature = 'none'
  for (const name of box.label.split(/\s+/)) {
    if (name === 'hidden') return 'furniture'
    const words = split(name)
    if (words.length > 7) continue
    // `has-sidebar` says what else there is; `sidebar` says what this is.
    if (words.length > 1 && negations.has(words[0]!) && !['post', 'page', 'single', 'col'].includes(words[0]!)) continue
    if (nature === 'none' && words.some((word) => pictures.has(word)) && words.some((word) => captions.has(word)))
      nature = 'slight'
    if (words.some((word) => people.has(word)) && words.some((word) => cards.has(word))) nature = 'furniture'
    for (const word of words) {
      if (comments.has(word)) return 'comments'
      if (after.has(word)) return 'after'
      if (furniture.has(word) || stems.test(word)) nature = 'furniture'
      else if (nature === 'none' && slight.has(word)) nature = 'slight'
    }
  }
  return nature
}

/** 3: says that it is the body of an article; 2: named like one; 1: an article or the main part; 0: nothing of the kind. */
export function bodyRank(box: Box): number {
  if (/\barticleBody\b/i.test(box.property)) return 3
  if (box.label !== '' && bodyNames.test(box.label)) return 2
  if (box.tag === 'article' || box.tag === 'main' || box.role === 'main' || mainNames.test(box.label)) return 1
  return 0
}

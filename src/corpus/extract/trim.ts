/** What pages put around and between the paragraphs of an article, told by its words: notices, datelines, credits, what follows the end. */
import { sizeOfAll } from './blocks.ts'
import type { Block } from './blocks.ts'
import { isColophon } from './colophon.ts'

/** Openings of short lines that are no part of the text. English, Chinese, Japanese, German, French, Spanish, Italian, Portuguese. */
const notice = new RegExp(
  `^(?:${[
    'advert(isement|ising)?\\b|sponsored|promoted|paid content|share (this|on|via|article)|shares?$|share:|be sociable|tweet$|print( this)?$|e?mail( this)?$|copy link|click (to share|here to)|loading|read (more|next|also|full|original)|continue reading|also read|see also:|more:|log ?in|sign (up|in)\\b|register now|subscribe|follow (us|me)\\b|view (all )?comments|(no|\\d+) comments?$|\\d+ (shares?|views?|likes?|min(ute)?s? read)|leave a (comment|reply)|post a comment|comments (are closed|off)|tags?:|topics?:|filed under|posted (in|on|by)|categories:|labels:|(last )?(modified|updated|published)( on)?:|all rights reserved|skip to|jump to|back to top|table of contents$|(story|article) continues below|scroll (down )?to continue|recommended( videos| for you| stories)?$|watch( now|:| more:)|listen( now| to (this )?article)|image (source|credit)|this (story|article|post) (was )?originally (appeared|published)|view (gallery|original|more)|up next$|hide caption$|toggle caption$|enlarge( this image)?$|get the (app|latest news)|download (the|our) app|thank(s| you) for (reading|subscribing)|support (us|our work)',
    'anzeige$|werbung$|teilen$|drucken$|mehr (zum thema|dazu|lesen|infos?)|lesen sie (auch|mehr|hier)|weiterlesen|zum weiterlesen|schon gelesen|auch interessant|lade weitere|kommentare?( \\(\\d+\\))?$|kommentar (schreiben|verfassen)|folgen sie uns|jetzt (abonnieren|anmelden)|artikel (teilen|drucken)|nach oben|zurück$|schlagwörter|stand:|das könnte (sie|dich)|lust auf mehr',
    'publicité|partager|lire (aussi|la suite|également)|à lire (aussi|également)|voir aussi|abonnez-vous|commentaires?$|imprimer$|publié le|mis à jour',
    'publicidad|compartir|lea (también|además)|leer (más|también)|te puede interesar|le puede interesar|también te puede|síguenos|suscríbe|comentarios?$|imprimir$|lee también|mira también|ver (más|también)',
    'leggi anche|leggi tutto|condividi|pubblicità|leia (também|mais)|compartilhe|veja (também|mais)|publicidade',
    '广告$|分享(到|至)?[:：]?|扫一扫|扫码|点击(查看|阅读|下载|关注|进入|上方|下方|这里)|阅读(原文|全文)|(展开|显示|查看)(更多|全文|剩余)|加载更多|责任编辑|责编|编辑[:：]|(本文)?(来源|作者)[:：]|返回(顶部|首页|列表)|上一篇|下一篇|上一页|下一页|版权(声明|所有)|转载请注明|未经(授权|许可|允许)|举报$|点赞|收藏$|打印$|关闭(窗口)?$|字号|相关(阅读|文章|推荐|新闻|链接)[:：]?$|延伸阅读|更多(精彩|内容|资讯)|关注(我们|微信|公众号)|(长按|识别).{0,6}二维码|声明[:：]|免责声明|特别(声明|提示)|投诉|\\(?责任编辑|\\[?责任编辑|【?(纠错|责任编辑)',
    '広告$|シェア(する)?$|ツイート$|続きを読む|もっと見る|関連(記事|リンク|ニュース)|あわせて読みたい|おすすめ(記事)?$|この記事を(シェア|共有)|印刷$|会員登録|ログイン|前の記事|次の記事|トップ(へ|に)戻る|有料会員|残り\\d+文字',
  ].join('|')})`,
  'iu',
)
const credit =
  /^\(?(photos?|pictures?|images?|pic|video|illustration|graphics?|credits?|source|courtesy|copyright|fotos?|bild(er)?|titelbild|abbildung|abb\.|grafik|quelle|crédits?|fuente|fonte|imagen|imagem|图(片|源|为)?|图片来源|摄影|資料圖片|写真|画像|撮影|図)\s*(by|credit|source|courtesy|von|de|来源|提供|\d+)?\s*([:：/©|]|$)|^(©|\(c\))\s*\S|^[^.!?。]{0,60}\/\s?(getty|reuters|ap|afp|dpa|epa|imago|shutterstock|istock|alamy|picture.alliance)\b[^.!?]{0,40}$|\b(getty images|shutterstock|istockphoto|picture alliance|imago images)\)?$/iu

/** Sentences that ask the reader for something. */
const appeal = new RegExp(
  [
    'sign up (here|for|to|now)|subscribe (to|now|here)|follow (us|me) (on|at)|like us on|join (us|our|the) .{0,30}(newsletter|telegram|whatsapp|mailing|channel|community|conversation)|(get|download) (the|our) .{0,30}\\bapps?\\b|support (our|independent|quality|local) journalism|become a (member|patron|subscriber|supporter)|(our|free|daily|weekly) (\\w+ )?newsletters?\\b|(enjoyed|liked) (reading )?this (post|article|story)|click (here )?to (subscribe|sign|join)|(may|might) (earn|receive) (an? )?(small )?(affiliate )?commissions?|affiliate (links?|partners?)|(to|in) your inbox|unsubscribe|terms (of|and) .{0,20}apply|for more (stories|news) like this|make sure to (like|follow|subscribe)|have a (news )?tip\\b|email us at|get in touch with our|all rights reserved|you (must|need to) be (logged|signed) in|to comment|enable javascript|javascript (is )?(disabled|required)|your browser (does not|doesn.t)|this video (is unavailable|cannot)|we use cookies|accept (all )?cookies|(add|use) (this|your) .{0,20}ad ?block',
    'newsletter (abonnieren|anmelden|bestellen)|(unser|den) \\S* ?newsletter|jetzt (kostenlos )?(abonnieren|anmelden|registrieren|downloaden)|folgen sie uns|folge uns|unterstützen sie (uns|unsere)|unabhängiger journalismus|hat ihnen (dieser|der) (artikel|beitrag)|wie hat ihnen|hier (anmelden|abonnieren)|externe(r|n) inhalte?|empfohlener redaktioneller inhalt|an dieser stelle finden sie|personenbezogene daten an|bezahlschranke|dieser (beitrag|artikel|text) enthält (werbung|affiliate)|affiliate-links?|um kommentare zu schreiben|anmelden, um',
    'suscríbe(te|ase)|síguenos|únete a (nuestr|est)|boletín|regístrate|para comentar|abonnez-vous|inscrivez-vous|suivez-nous|rejoignez|iscriviti|seguici|assine|inscreva-se|siga-nos|cadastre-se',
    '(关注|扫描|扫码|搜索|添加).{0,20}(公众号|微信|二维码|微博)|(下载|安装|打开).{0,12}(APP|客户端)|点击.{0,10}(订阅|关注|下载|阅读原文)|未经.{0,10}(授权|许可|允许).{0,12}(转载|不得|禁止)|(转载|如需转载).{0,10}(请|须|注明)|版权(归|属于|所有)|如有侵权|联系(我们)?删除|仅代表作者(个人)?(观点|本人)|不代表本(站|网|平台)|本文(系|为).{0,12}(原创|转载)|请勿转载|声明[：:]',
    '(メルマガ|メールマガジン|ニュースレター)(を|に|の)?(登録|購読)|(会員|無料)(登録|会員)|この記事は(会員|有料)|無断(転載|複写|使用)|フォローする|アプリ(を|で)(ダウンロード|読む)|続きは.{0,8}(会員|有料)',
  ].join('|'),
  'iu',
)

/** Headings, or short lines, of what follows an article. */
const moreHeading =
  /^(related|read (also|next|more)|you (may|might|could) (also )?(like|enjoy|be interested)|you might also|more (from|on|in|like|stories|articles|news|posts|to explore)\b|more$|recommended|suggested|most (read|popular|viewed|shared)|latest (news|posts|articles|stories)|popular( posts| articles| now)?$|trending|recent (posts|articles|comments)|(\d+ )?comments?\b|discussion$|leave a |join the (conversation|discussion)|share this|about the author|author( bio)?$|newsletter|follow us|sponsored|similar (posts|articles|stories)|around the web|from the web|editor.?s picks|what to read next|keep reading|other (stories|articles|posts)|you may have missed|also (on|in) |in this (article|story|section)$|explore more|sign up|subscribe|相关(阅读|文章|推荐|新闻|链接|报道|资讯|内容|专题|主题)|延伸阅读|推荐(阅读|文章|内容)|猜你喜欢|为你推荐|热门(文章|推荐|评论|新闻|资讯)|热(点|评)|最新(文章|评论|新闻|资讯)|精彩(推荐|评论)|更多(精彩|内容|资讯|新闻)|网友评论|全部评论|评论\s*[（(]?\d*[)）]?$|发表评论|大家都在看|関連(記事|リンク|ニュース|キーワード|項目)|おすすめ|人気(記事|ランキング)|ランキング|あわせて読みたい|新着(記事)?|コメント|この記事を書いた|weitere (artikel|themen|meldungen|beiträge|informationen)|mehr (zum thema|aus|von|nachrichten)|ähnliche (artikel|beiträge)|das könnte|auch interessant|meistgelesen|verwandte|kommentare|über den autor|zum thema$|neueste|beliebte|passend zum|lesen sie auch|à lire|sur le même|articles? (liés|similaires|associés)|les plus lus|commentaires|voir aussi|noticias relacionadas|relacionad[oa]s|artículos relacionados|te puede interesar|lo más (leído|visto)|más (noticias|leídas|sobre)|comentarios|potrebbe|articoli correlati|leggi anche|notícias relacionadas|leia também|mais lidas|veja também)/iu

const months =
  'jan(uary|uar|vier)?|feb(ruary|ruar)?|février|mar(ch|s)?|märz|apr(il)?|avril|may|mai|jun[ei]?|juin|jul[yi]?|juillet|aug(ust)?|août|sep(t(ember)?)?|o[ck]t(ober)?|nov(ember)?|de[cz](ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|novembre|dicembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|dezembro'
const dateWords = new RegExp(
  `\\d{4}\\s*[-./年]\\s*\\d{1,2}\\s*[-./月]\\s*\\d{1,2}\\s*日?|\\d{1,2}[-./]\\d{1,2}[-./]\\d{2,4}|\\d{1,2}(st|nd|rd|th)?\\.?\\s+(de\\s+)?(${months})\\.?,?\\s+(de\\s+)?\\d{4}|\\b(${months})\\.?\\s+\\d{1,2}(st|nd|rd|th)?,?\\s+\\d{4}|\\d{1,2}月\\d{1,2}日|\\d+\\s+(second|minute|hour|day|week|month|year)s? ago|\\d+\\s*(秒|分钟|小时|天|周|个月|月|年)前`,
  'giu',
)
const timeWords =
  /\b\d{1,2}[:.h]\d{2}([:.]\d{2})?\s*(am|pm|a\.m\.|p\.m\.|uhr|h|et|est|edt|gmt|utc|pt|pst|pdt|cet|bst|ist)?\b|\b(mon|tues?|wed(nes)?|thurs?|fri|sat(ur)?|sun)(day)?\b|\b(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo)\b|\b(last|first)?\s*(updated?|published|modified|posted|created|on|at|am|um|by|von|le|à|el|a las|stand|veröffentlicht|aktualisiert|publié|actualizado|publicado|uhr|edt|est|gmt|utc|et|am|pm)\b|发布|时间|日期|更新|发表|于|公開|投稿|配信/giu
const byline =
  /^(by|von|par|por|di|words by|written by|story by|reported by|text:|autor(in)?:|author:|posted by|作者|记者|文[/／|｜:：]|撰文|编辑|来源)[\s:：]\s*\S.{0,70}$/iu

/** A line that says when, and perhaps who. */
export function isDateline({ kind, text, size }: Block): boolean {
  if (kind !== 'text' && kind !== 'item') return false
  if (size > 110) return false
  if (byline.test(text) && !/[.!?。！？]$/.test(text)) return true
  const rest = text.replace(dateWords, '')
  return rest !== text && rest.replace(timeWords, '').replace(/[\s\p{P}\p{S}\d]+/gu, '').length < 25
}

const isNotice = ({ kind, text, size, linkShare }: Block) =>
  kind !== 'code' && kind !== 'row' && size <= 110 && (size <= 60 || linkShare > 0.3) && notice.test(text)
const isAppeal = ({ kind, text, size }: Block) => kind !== 'code' && kind !== 'row' && size <= 240 && appeal.test(text)
const isCredit = ({ kind, text, size }: Block) => kind === 'text' && size <= 160 && credit.test(text)

/** Without notices, without what comes after a heading such as "Related" near the end, and without headings that lead to nothing. */
export function trimBlocks(blocks: readonly Block[]): readonly Block[] {
  const kept = blocks.filter((block) => !isNotice(block) && !isCredit(block) && !isAppeal(block))
  const all = sizeOfAll(kept)
  let before = 0
  let end = kept.length
  for (const [i, block] of kept.entries()) {
    const short = block.kind === 'heading' ? block.size < 90 : block.size < 40
    if (short && before > 0.5 * all && moreHeading.test(block.text)) {
      end = i
      break
    }
    before += block.size
  }
  while (end > 0 && isTail(kept[end - 1]!, end)) end--
  const start = startOf(kept, end)
  const dated = kept.slice(0, start).filter((block) => !isDateline(block))
  return withoutCopies([...dated, ...kept.slice(start, end)])
}

/** No end of a text: a heading, a date, or a few words that are no sentence, such as names. */
function isTail(block: Block, end: number): boolean {
  if (block.kind === 'heading' || isDateline(block) || isColophon(block)) return true
  return (
    end > 3 && block.kind === 'text' && block.size < 60 && !/[.!?…。！？:：]["'”’“«»)）」』】》\]]*$/u.test(block.text)
  )
}

/** Where prose begins. */
function startOf(blocks: readonly Block[], end: number): number {
  const at = blocks.findIndex((block) => block.kind === 'code' || (block.kind !== 'heading' && block.size > 110))
  return at < 0 ? end : Math.min(at, end)
}

/** Pages hold a gallery, or the same paragraph for small screens, twice. Where most of a page is copies, that is how it is. */
function withoutCopies(blocks: readonly Block[]): readonly Block[] {
  const seen = new Set<string>()
  const once = blocks.filter(({ kind, text, size }) => {
    if (kind === 'code' || kind === 'row' || size < 60) return true
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
  return sizeOfAll(once) > 0.75 * sizeOfAll(blocks) ? once : blocks
}

/** What pages put around and between the paragraphs of an article, told by its words: notices, labels of links, what follows the end. */
import type { Block } from './page.ts'

/** Short lines that pages put around articles, and headings of what follows them. */
const notice =
  /^(advertisement|sponsored|share this|share on|print this|click to share|loading|read more|continue reading|log in|sign up|subscribe( now)?|view comments|\d+ comments?|leave a (comment|reply)|tags?:|filed under|posted in|photo:|image:|last (modified|updated)|all rights reserved|广告|分享到|扫一扫|扫码|点击(查看|阅读|下载|关注)|阅读原文|阅读全文|查看更多|加载更多|责任编辑|责编|编辑：|返回(顶部|首页)|上一篇|下一篇|版权(声明|所有)|转载请注明|未经(授权|许可)|举报|点赞|收藏)/i
const moreHeading =
  /^(related|see also|read (also|next)|you (may|might) (also )?(like|enjoy|be interested)|more (from|on|stories|articles|news)|recommended|most (read|popular)|latest (news|posts|articles)|popular posts|recent posts|comments?\b|references$|external links$|further reading|相关(阅读|文章|推荐|新闻|链接)|延伸阅读|推荐阅读|猜你喜欢|热门(文章|推荐|评论)|最新(文章|评论)|参考(资料|文献)|外部链接|网友评论)/i

/** Without notices, without what comes after a heading such as "Related" near the end, and without headings that lead to nothing. */
export function trimEnds(blocks: Block[]): Block[] {
  const kept = blocks.filter((block) => block.kind === 'code' || block.size > 90 || !notice.test(block.text))
  const all = sizeOfAll(kept)
  let before = 0
  let end = kept.length
  for (const [i, block] of kept.entries()) {
    if (block.size < 90 && before > 0.6 * all && moreHeading.test(block.text)) {
      end = i
      break
    }
    before += block.size
  }
  while (end > 0 && kept[end - 1]!.kind === 'heading') end--
  return kept.slice(0, end)
}

export const sizeOfAll = (blocks: readonly Block[]) => blocks.reduce((sum, block) => sum + block.size, 0)

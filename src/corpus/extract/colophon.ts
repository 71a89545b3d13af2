/**
 * What a page says about its text or about itself, told by its words: how the text came here, who edited it and when, as the last lines of an
 * article; and pages that hold nothing but a message of the server.
 *
 * A whole line has to read so. In the middle of a text such lines stay: there they are what it is about.
 */
import { sizeOfAll } from './blocks.ts'
import type { Block } from './blocks.ts'

const when =
  '(today|yesterday|just now|(last|this) (night|week|month|year|\\w+day)|(on )?(mon|tues|wednes|thurs|fri|satur|sun)day|.{0,20}\\bago|.{0,14}\\d.{0,20})'
const dated = '(刚刚|刚才|今天|今日|昨天|昨日|前天|本周|上周|本月|上个?月|去年|.{0,8}\\d.{0,16}|.{0,10}(前|以前))'

/** Lines that only say where a text comes from, who made it ready, or when. */
const colophon = new RegExp(
  `^[\\[(（【*]*\\s*(?:${[
    `(last |first |originally )?(updated|modified|edited|revised|published|posted|reviewed|corrected)( (on|at))?:? ${when}`,
    '(re-?printed|re-?posted|re-?published|re-?blogged|syndicated|cross-?posted)( .{0,50})?',
    '(this|the above|the following) (text|article|story|post|piece|content|page|item|material) ((was|is|has been|were|originally|first|also) ){1,3}(found|taken|copied|posted|reprinted|reposted|republished|reproduced|published|appeared|translated|sourced|adapted|syndicated|provided|edited|written)\\b.{0,70}',
    '(edited|reported|compiled|translated|proof-?read|curated|posted|reviewed|fact-?checked|additional reporting|editing|reporting|writing) by:? \\S.{0,60}',
    '(follow|click|tap|use|open|see|visit) (on )?(the|this|here) ?(link|button|page)?.{0,20}\\b(original|source|full (text|story|article|version))\\b.{0,30}',
    '(the )?original( (article|post|text|story))? (can be (found|read)|is (here|at|available))\\b.{0,50}',
    '(本文|文章|该文|此文|原文|全文|以上(内容|文章|文字)?|内容|资料|素材|文字|图文)(均|均系|系|皆)?(转自|转载自|转载于|转载|来自|来源于|来源|出自|摘自|摘编自|选自|整理自|源自|综合自|首发于|原载于?|原刊于?|刊于|载于).{0,40}',
    '(转载|转发|转帖|转贴|转自|来源网络|网络来源|图源网络|图片来自网络|图文无关|侵删|侵权(必|即)?删|全文完|本文完|完)',
    '(责任|执行|值班|本期|原文|新媒体|文字|美术|审核|实习)?(编辑|责编|编审|审核|校对|排版|审校|终审|监制|编译|翻译|记者|通讯员|供稿|撰稿|作者|来源|出处)\\s*[:：/／|｜]\\s*.{1,30}',
    '(欲知详情|想看全文|查看|阅读|点击)?.{0,6}(阅读|查看|访问)?(原文|全文)(请|可)?(点击|点|见|戳|访问|前往).{0,20}',
    '(点击|点|戳).{0,10}(链接|这里|此处|下方).{0,10}(原文|全文|原帖).{0,6}',
    `(最后|最近|本文|文章|最新)?(更新|修改|修订|编辑|发布|发表|刊登)(于|时间|日期)\\s*[:：]?\\s*${dated}`,
    '(最終)?更新(日|日時)?\\s*[:：].{0,20}|(文|取材|編集|撮影|翻訳)\\s*[:：・＝=]\\s*.{1,20}|転載|出典\\s*[:：].{1,40}',
  ].join('|')})\\s*[\\])）】*]*[.。!！]?$`,
  'iu',
)

/** What servers and scripts say in place of a text, and what stands below every page of a site. */
const shell = new RegExp(
  `^(?:${[
    '(sorry,? )?(the|this) (page|file|document|content|article|url|link) (that )?(you.{0,40} )?(does not exist|doesn.t exist|(was|could|can)( ?not|n.t) (be )?found|is (not|no longer) (available|here)|has (been )?(moved|removed|deleted|expired))',
    '(error )?40[034]\\b|page not found|not found$|access (is )?denied|forbidden$|(nothing|no (results?|items|posts?|products?|pages?)) (was|were|has been|have been|could be)? ?(found|match)',
    '(loading|please wait)\\b|one moment|checking your browser|just a moment',
    '(please )?(enable|turn on|allow|activate) (java ?script|cookies)|(java ?script|cookies) (is|are|must be) (required|disabled|enabled|needed)|you need to (enable|turn on)',
    '(please )?(log|sign) ?in (to|for|here|below)|you (must|need to|have to) (log|sign) ?in|(this|the) (page|content|text|article) is (only )?(for|available to) (members|subscribers)',
    '(we|this site|this website|our site).{0,12}(use|uses|using) cookies|(the )?(site|server|service|page|we).{0,10}(is|are) (down|under (maintenance|construction)|temporarily unavailable|working on)|(site|page) under construction|(scheduled )?maintenance|coming soon',
    '(©|\\(c\\)|copyright)|all rights reserved|(privacy policy|terms of (use|service)|contact( us)?|feedback|sitemap|home)( ?[|·•/-] ?|$)|(registration|licen[cs]e) (number|no\\.?)\\s*\\d|(i have )?(read and )?accept(ed)? (all|the)',
    '(抱歉|对不起|很抱歉)?[，,]?(您|你)?(所)?(访问|请求|查找|要找|浏览|查看)的(页面|网页|内容|文章|文件|帖子|资源).{0,10}(不存在|找不到|已(被)?(删除|移除|下架)|失效|走丢|出错)|页面(不存在|找不到|走丢|出错|加载)|(没有|未|无法)(找到|查到|搜到|检索到|搜索到)|(没有|暂无)(相关|任何|符合|更多)?(结果|内容|数据|记录|评论)|无权(访问|查看)|访问(被拒|受限|出错)',
    '(正在)?(加载|载入|跳转)(中|，|…|\\.|。|$)|正在(加载|跳转|验证|载入)|请稍(候|后|等)',
    '(请|需要?|您?需)(先)?(开启|启用|打开|允许).{0,6}(java ?script|cookie)|您的浏览器|(请|需要?)(先)?(登录|登陆|注册|验证|完成验证)|(登录|登陆|注册)(后|以后|才)(可|能|方可|查看|浏览|继续)',
    '(我们|本站|本网站|网站)(会|将|正在)?使用.{0,3}cookie|系统(维护|升级|繁忙|正在)|(网站|站点|页面|服务器)(正在)?(维护|建设|升级|改版|关闭)|即将(上线|开放)|敬请期待',
    '版权(归|所有|声明)|.{0,8}备案(号|序号)|[\\u4e00-\\u9fff]icp备|京公网安备|(本站|本网站|本网)(部分|所有|全部)?(内容|文章|图片|资源|信息).{0,6}(来自|来源于|转自|均)|(意见反馈|隐私政策|服务条款|用户协议|联系我们|网站地图|关于我们)( ?[|·•/-] ?|$)',
    '(お探しの|指定された)ページ|ページが(見つかり|存在)|読み込み中|ログインして|javascriptを有効|メンテナンス中',
  ].join('|')})`,
  'iu',
)

const isLine = ({ kind, size }: Block) => kind !== 'code' && kind !== 'row' && kind !== 'heading' && size <= 140

export const isColophon = (block: Block): boolean => isLine(block) && colophon.test(block.text)

/** Nothing but messages of a site, or single cells and headings around them. */
export function isShell(blocks: readonly Block[]): boolean {
  if (sizeOfAll(blocks) > 400) return false
  const prose = blocks.filter(({ kind, text }) => kind !== 'heading' || shell.test(text))
  return (
    prose.length > 0 &&
    prose.every(({ text }) => text.split(/\n| \| (?=\S{12,})/).every((line) => shell.test(line.trim())))
  )
}

/** xueba corpus explain: what every rule says about a document, also after the first that would have dropped it. */
import { z } from 'zod'
import { corpusConfig, explainDocument, loadLists, passes, ruleText, short, sourceConfig } from '../../corpus/index.ts'
import type { Check, CorpusConfig, Explained } from '../../corpus/index.ts'
import { findRecipe, readRecipe, UserError } from '../../run/index.ts'
import { registry } from '../../stages/index.ts'
import { columns } from '../columns.ts'
import { help, UsageError } from '../flags.ts'
import { language as reader, say } from '../language.ts'
import { verb } from '../verb.ts'
import { readInput } from './input.ts'
import { nameOf } from './language.ts'

const flags = z.object({
  recipe: help(
    z.string().optional(),
    'take the thresholds from the corpus stage of this recipe',
    '用这份食谱里 corpus 阶段的阈值',
  ),
  url: help(z.string().optional(), 'the address the document comes from', '文档的网址'),
  json: help(z.boolean().default(false), 'one JSON object a document', '每篇文档一行 JSON'),
})

export const explain = verb({
  name: 'explain',
  operands: '<file…>   (- is stdin)',
  summary: { en: 'what every filter says about a document', zh: '每条过滤规则怎么看一篇文档' },
  flags,
  async run(files, { recipe, url, json }) {
    if (files.length === 0)
      throw new UsageError(
        say({ en: 'name files, pages or texts (- is stdin)', zh: '请给出网页或文本文件（- 表示标准输入）' }),
      )
    const config = recipe === undefined ? corpusConfig.parse({ sources: [{ path: '-' }] }) : await configOf(recipe)
    const lists = await loadLists(config)
    for (const [i, file] of files.entries()) {
      const { html, text } = await readInput(file)
      const content = html === undefined ? { text: text! } : { html }
      const told = explainDocument(
        { id: file, source: file, ...content, ...(url === undefined ? {} : { url }) },
        config,
        lists,
      )
      if (json) console.log(JSON.stringify(asJson(file, told)))
      else {
        if (i > 0) console.log()
        for (const line of report(file, told)) console.log(line)
      }
    }
    return 0
  },
})

/** The configuration of a recipe's corpus stage, its files resolved; what it reads does not matter here. */
async function configOf(name: string): Promise<CorpusConfig> {
  const file = findRecipe(name)
  const stage = (await readRecipe(file, registry)).stages.find(({ kind }) => kind === 'corpus')
  if (stage === undefined)
    throw new UserError(`the recipe ${file} has no corpus stage`, `食谱 ${file} 里没有 corpus 阶段`)
  return { ...(stage.config as CorpusConfig), sources: [sourceConfig.parse({ path: '-' })] }
}

/** The first rule that drops the document, or undefined when it is kept. */
function firstRefusal({ steps }: Explained): string | undefined {
  for (const { checks, failed } of steps) {
    const rule = failed?.rule ?? checks.find((check) => !passes(check))?.rule
    if (rule !== undefined) return rule
  }
  return undefined
}

function asJson(file: string, told: Explained) {
  const dropped = firstRefusal(told)
  return {
    file,
    kept: dropped === undefined,
    ...(dropped === undefined ? {} : { droppedBy: dropped }),
    ...(told.title === undefined ? {} : { title: told.title }),
    ...told.language,
    characters: told.text.length,
    checks: told.steps.flatMap(({ step, checks, failed }) => [
      ...(failed === undefined ? [] : [{ step, rule: failed.rule, passes: false, detail: failed.detail }]),
      ...checks.map((check) => ({ step, ...check, passes: passes(check) })),
    ]),
    droppedLines: told.dropped,
    ...(told.masked === undefined ? {} : { masked: told.masked }),
  }
}

const marks = { pass: '✓', fail: '✗' }

function report(file: string, told: Explained): string[] {
  const { language, dropped, masked } = told
  const rule = firstRefusal(told)
  const lines = [
    `${file}: ${rule === undefined ? say({ en: 'kept', zh: '保留' }) : say({ en: `dropped by ${rule}`, zh: `被 ${rule} 淘汰` })}`,
  ]
  if (language !== undefined)
    lines.push(
      say({
        en: `${nameOf(language.language, language.script)}, confidence ${language.confidence.toFixed(2)}; ${told.text.length} characters`,
        zh: `${nameOf(language.language, language.script)}，把握 ${language.confidence.toFixed(2)}；${told.text.length} 个字符`,
      }),
    )
  lines.push('')
  const header = say({ en: 'rule,value,threshold,what is measured', zh: '规则,数值,阈值,量的是什么' })
  const rows = [['', ...header.split(',')]]
  for (const { checks, failed } of told.steps) {
    if (failed !== undefined) rows.push([marks.fail, failed.rule, '', '', failed.detail])
    for (const check of checks) rows.push(rowOf(check))
  }
  lines.push(...columns(rows))
  for (const { rule, line } of dropped)
    lines.push(say({ en: `line dropped by ${rule}: ${line}`, zh: `${rule} 删掉的行：${line}` }))
  const found = Object.entries(masked ?? {}).filter(([, count]) => count > 0)
  if (found.length > 0) {
    const list = found.map(([kind, count]) => `${kind} ${count}`).join(say({ en: ', ', zh: '，' }))
    lines.push(say({ en: `personal data that would be masked: ${list}`, zh: `会被遮盖的个人信息：${list}` }))
  }
  return lines
}

function rowOf(check: Check): string[] {
  const { rule, value, threshold, wants, quote } = check
  const text = ruleText(rule)
  const isFine = passes(check)
  const presence = text.presence === true
  const shown = !isFine || presence ? quote : undefined
  const yesNo = isFine ? say({ en: 'no', zh: '无' }) : say({ en: 'yes', zh: '有' })
  return [
    isFine ? marks.pass : marks.fail,
    rule,
    rule === 'language' ? '' : presence ? yesNo : short(value),
    presence ? '' : `${wants} ${short(threshold)}`,
    shown === undefined
      ? text[reader()]
      : `${text[reader()]}${say({ en: ': ', zh: '：' })}${shown.replace(/\s+/g, ' ').slice(0, 100)}`,
  ]
}

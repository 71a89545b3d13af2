/**
 * README.md of an exported model: what it is, what it was trained on, what it scored and with which intervals, what it cannot do,
 * and how to use it. All figures come out of the run (stages/report/gather.ts); where there is none, it says so.
 */
import { countParameters, type ModelConfig, modelType } from '../nn/index.ts'
import { version } from '../run/index.ts'
import type { Comparison, ReportCard } from '../stages/report/card.ts'
import { codeSpan, escapeMarkdown } from '../stages/report/escape.ts'
import { formatCount, formatShare } from '../stages/report/format.ts'
import { table, value } from '../stages/report/markdown.ts'
import { measuresOf } from '../stages/report/measures.ts'
import { storyOf } from '../stages/report/story.ts'
import { metricName } from '../stages/report/words.ts'
import type { Language } from '../stages/stage.ts'
import { BASELINES } from '../stages/baselines.ts'
import type { HuggingFaceType } from './huggingface.ts'
import { lineageOf } from './lineage.ts'
import { materialOf } from './material.ts'

export interface CardFacts {
  name: string
  config: ModelConfig
  type: HuggingFaceType
  /** Goes on writing; a chat model answers. */
  base: boolean
  /** What it was imported from, where somebody else trained it first. */
  imported?: string
  language: Language
  /** Of the run, with the answers of its report; undefined for a folder that belongs to no run. */
  run?: { card: ReportCard; stage: string }
}

type Run = NonNullable<CardFacts['run']>

export function modelCard(facts: CardFacts): string {
  const { name, language, run } = facts
  const words = facts.language === 'zh' ? zh : en
  const parts = [
    frontMatter(facts),
    `# ${escapeMarkdown(name)}`,
    words.opening(facts),
    `## ${words.training}`,
    ...(run ? [story(run, language), material(run, language)] : [words.unknown]),
    `## ${words.scores}`,
    ...(run ? scores(run, facts, words) : [words.unknown]),
    ...(run ? answers(run, facts, words) : []),
    `## ${words.limits}`,
    words
      .limitsText(facts)
      .map((line) => `- ${line}`)
      .join('\n'),
    `## ${words.usage}`,
    words.prompt(facts),
    ['```python', ...python(facts), '```'].join('\n'),
    words.more,
  ]
  return `${parts.join('\n\n')}\n`
}

function frontMatter({ run, language, base, imported, config }: CardFacts): string {
  return [
    '---',
    `language: ${run?.card.language ?? language}`,
    'library_name: transformers',
    'pipeline_tag: text-generation',
    `tags: [xueba, ${modelType(config)}${imported ? '' : ', trained-from-scratch'}${base ? '' : ', conversational'}]`,
    '---',
  ].join('\n')
}

function story({ card, stage }: Run, language: Language): string {
  const stages = lineageOf(card, stage)
  const seconds = stages.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0)
  const told = storyOf({ ...card, language, stages, seconds, controls: [], exams: [], finished: true })
  return escapeMarkdown(told.join(language === 'zh' ? '' : ' '))
}

const material = ({ card, stage }: Run, language: Language): string =>
  materialOf(card, stage, language)
    .map(
      ({ stage, from }) =>
        `- **${escapeMarkdown(stage)}**${language === 'zh' ? '：' : ': '}${from.join(language === 'zh' ? '；' : '; ')}`,
    )
    .join('\n')

/** What the model scored in the last examination, beside models that only count; else what its own stage measured. */
function scores({ card, stage }: Run, { language, base }: CardFacts, words: Words): string[] {
  const exam = card.exams.findLast(({ models }) => models.some((model) => model.stage === stage))
  if (!exam) return [words.noExam]
  const shown = exam.models.filter(
    (model) => model.stage === stage || (BASELINES as readonly string[]).includes(model.stage),
  )
  const own = shown.find((model) => model.stage === stage)!
  const order = [own, ...shown.filter((model) => model !== own)]
  const rows = measuresOf(exam)
    .filter((measure) => own.metrics[measure] != null)
    .map((measure) => [
      escapeMarkdown(metricName(measure, language).label),
      ...order.map((model) => (model.metrics[measure] == null ? '–' : value(model, measure, language))),
    ])
  const seen = card.stages.find(({ kind }) => kind === 'corpus')?.metrics.heldOutSeen ?? 0
  const flattered = seen > 0 && own.metrics.bitsPerByteUnseen != null
  return [
    table(['', ...order.map((model) => escapeMarkdown(model === own ? words.thisModel : model.stage))], rows),
    [words.examNote, ...(base ? [words.shots] : []), ...(flattered ? [words.seen(formatShare(seen))] : [])].join(
      language === 'zh' ? '' : ' ',
    ),
  ]
}

/** In its own manner: a base model goes on, a chat model answers. */
function answers({ card, stage }: Run, { base }: CardFacts, words: Words): string[] {
  const said = ({ question, answers }: Comparison) => {
    const found = answers.find((answer) => answer.stage === stage && answer.manner === (base ? 'text' : 'chat'))
    if (!found) return []
    const { text, truncated, correct } = found.greedy
    const mark = correct === null ? '' : correct ? ' ✓' : ' ✗'
    return [[codeSpan(question), `${codeSpan(text) || '–'}${truncated ? ' …' : ''}${mark}`]]
  }
  const rows = card.comparisons.flatMap(said)
  return rows.length === 0 ? [] : [`### ${words.answers}`, table([words.question, words.answer], rows)]
}

/** A chat in transformers, or a continuation. */
function python({ run, language, base, imported }: CardFacts): string[] {
  const spoken = run?.card.language ?? language
  const load = [
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    'folder = "."',
    'tokenizer = AutoTokenizer.from_pretrained(folder)',
    'model = AutoModelForCausalLM.from_pretrained(folder)',
  ]
  const text = spoken === 'zh' ? '从前' : 'Once upon a time'
  const question = spoken === 'zh' ? '你好！' : 'Hello!'
  const inputs =
    base && imported !== undefined
      ? `inputs = tokenizer("${text}", return_tensors="pt")`
      : base
        ? `inputs = tokenizer("<|endoftext|>${text}", return_tensors="pt")`
        : `inputs = tokenizer.apply_chat_template([{"role": "user", "content": "${question}"}], add_generation_prompt=True, return_dict=True, return_tensors="pt")`
  return [...load, inputs, 'print(tokenizer.decode(model.generate(**inputs, max_new_tokens=64, do_sample=False)[0]))']
}

interface Words {
  opening(facts: CardFacts): string
  training: string
  unknown: string
  scores: string
  noExam: string
  thisModel: string
  examNote: string
  shots: string
  seen(share: string): string
  answers: string
  question: string
  answer: string
  limits: string
  limitsText(facts: CardFacts): string[]
  usage: string
  prompt(facts: CardFacts): string
  more: string
}

const layoutName = (config: ModelConfig) => ({ qwen3: 'Qwen3', qwen2: 'Qwen2', llama: 'Llama' })[modelType(config)]

const contextOf = ({ config }: CardFacts) => config.maxPositions.toLocaleString('en-US')

const en: Words = {
  opening: ({ config, type, base, ...facts }) =>
    `A language model of ${formatCount(countParameters(config), 'en')} parameters, ${facts.imported === undefined ? 'trained from random weights with' : 'made with'} xueba ${facts.run?.card.xueba ?? version()}${facts.imported === undefined ? '' : ` from ${escapeMarkdown(facts.imported)}, which somebody else trained`}. ${base ? 'It is a base model: it goes on with a text.' : 'It is a chat model.'} Layout ${layoutName(config)}: ${config.layers} layers, width ${config.dim}, ${config.heads} heads (${config.kvHeads} for keys and values) of ${config.headDim}, vocabulary ${config.vocabSize.toLocaleString('en-US')}, context ${config.maxPositions.toLocaleString('en-US')} tokens. Weights in ${type}${facts.imported !== undefined && !facts.run ? '' : type === 'f32' ? ', as trained' : ', rounded from the f32 they were trained in; the figures below were measured in f32'}.`,
  training: 'What it was trained on',
  unknown: 'Not known: this folder was exported without the run that made it.',
  scores: 'What it scores',
  noExam: 'It sat no exam in its run: there is nothing to say about how good it is.',
  thisModel: 'this model',
  examNote:
    'Brackets hold 95 % intervals. Exercises of the exam were in no training; facts are asked for in wordings never seen. One run with one seed: another seed gives other figures.',
  shots: 'A base model cannot chat: it was shown a few worked examples before each question.',
  seen: (share) =>
    `${share} of the held-out text stands in lines that were also read, which flatters bits per byte; the row of lines never read does not count them.`,
  answers: 'What it says',
  question: 'prompt',
  answer: 'likeliest answer',
  limits: 'What it cannot do',
  limitsText: (facts) => [
    'It knows what its corpus says and little else. Outside of that it makes things up, in the same confident tone.',
    'It was not trained to refuse anything, and nobody tested it for safety: it is for learning and experiments, not for decisions.',
    `It attends to at most ${contextOf(facts)} tokens.`,
  ],
  usage: 'How to use it',
  prompt: ({ base, imported }) =>
    imported !== undefined
      ? 'The prompt format is that of its own chat template, if it has one (`tokenizer_config.json` or `chat_template.jinja`).'
      : base
        ? 'Begin a text with `<|endoftext|>`, as every document in its training did.'
        : 'The prompt format is ChatML (`<|im_start|>user … <|im_end|>`); the chat template is in `tokenizer_config.json`.',
  more: 'Without Python: `xueba chat THIS_FOLDER` (weights in one file), or export it with `--format gguf` for llama.cpp and Ollama.',
}

const zh: Words = {
  opening: ({ config, type, base, ...facts }) =>
    `一个 ${formatCount(countParameters(config), 'zh')}参数的语言模型，用学霸（xueba）${facts.run?.card.xueba ?? version()} ${facts.imported === undefined ? '从随机参数开始训练而成' : `在别人练好的 ${escapeMarkdown(facts.imported)} 上接着做成`}。${base ? '它是基座模型：给它开头，它接着往下写。' : '它是对话模型。'}结构是 ${layoutName(config)}：${config.layers} 层，宽 ${config.dim}，${config.heads} 个头（键和值 ${config.kvHeads} 个），每头 ${config.headDim}，词表 ${config.vocabSize.toLocaleString('en-US')}，上下文 ${config.maxPositions.toLocaleString('en-US')} 个词元。权重存成 ${type}${facts.imported !== undefined && !facts.run ? '' : type === 'f32' ? '，和训练时一样' : '，由训练时的 f32 舍入而来；下面的成绩是在 f32 下测的'}。`,
  training: '它是怎么练出来的',
  unknown: '不清楚：导出这个文件夹时，没有训练它的那次运行的记录。',
  scores: '成绩',
  noExam: '它在那次运行里没有参加考试，好坏无从说起。',
  thisModel: '本模型',
  examNote:
    '方括号里是 95% 置信区间。考题没在训练中出现过，事实换了没见过的问法。只跑了一次、一个随机种子：换个种子，数字会变。',
  shots: '基座模型不会对话，每道题前先给它看了几道例题。',
  seen: (share) => `留出的文本里有 ${share} 所在的行它也读到过，每字节比特因此偏好看；“只算没读过的行”那一项不含这些。`,
  answers: '它会怎么说',
  question: '问',
  answer: '最有把握的回答',
  limits: '它做不到的',
  limitsText: (facts) => [
    '它只知道读过的东西，别的几乎一概不知；问到不知道的，它会一本正经地编。',
    '没人教过它拒绝什么，也没人测过它安不安全：拿来学习和做实验可以，别靠它做决定。',
    `它最多看得到 ${contextOf(facts)} 个词元。`,
  ],
  usage: '怎么用',
  prompt: ({ base, imported }) =>
    imported !== undefined
      ? '提示格式就是它自己的对话模板（如果有），在 `tokenizer_config.json` 或 `chat_template.jinja` 里。'
      : base
        ? '文本要以 `<|endoftext|>` 开头，训练时每篇文章都是这样开头的。'
        : '提示格式是 ChatML（`<|im_start|>user … <|im_end|>`），对话模板在 `tokenizer_config.json` 里。',
  more: '不用 Python 也行：`xueba chat 本文件夹`（权重只有一个文件时），或者用 `--format gguf` 导出，给 llama.cpp、Ollama 用。',
}

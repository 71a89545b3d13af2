/** What a report calls things, in Chinese and in English: stages, metrics, steps of the funnel, and its own headings. */
import type { Language } from '../stage.ts'

type Words = Record<Language, string>

/** Without a prototype: a metric called `constructor` is as unknown as any other. */
const table = <T>(entries: Record<string, T>): Record<string, T> => Object.assign(Object.create(null), entries)

/** A stage in the student's life, and its standard term. */
export const stageWords = table<{ life: Words; term: Words }>({
  corpus: { life: { zh: '找书', en: 'finding books' }, term: { zh: '语料', en: 'corpus' } },
  tokenizer: { life: { zh: '识字', en: 'learning to read' }, term: { zh: '分词器', en: 'tokenizer' } },
  import: {
    life: { zh: '请来一位学长', en: 'joining with an education' },
    term: { zh: '导入的模型', en: 'imported model' },
  },
  pretrain: { life: { zh: '博览群书', en: 'reading widely' }, term: { zh: '预训练', en: 'pre-training' } },
  sft: { life: { zh: '看例题', en: 'studying examples' }, term: { zh: '监督微调', en: 'fine-tuning' } },
  'reward-model': { life: { zh: '摸清口味', en: 'learning a taste' }, term: { zh: '奖励模型', en: 'reward model' } },
  'rejection-sampling': {
    life: { zh: '挑出做对的，抄进例题本', en: 'keeping what went right' },
    term: { zh: '拒绝采样', en: 'rejection sampling' },
  },
  dpo: { life: { zh: '照着口味改', en: 'minding preferences' }, term: { zh: '直接偏好优化', en: 'DPO' } },
  rl: { life: { zh: '刷题', en: 'doing exercises' }, term: { zh: '强化学习', en: 'reinforcement learning' } },
  'best-of-n': {
    life: { zh: '多写几篇挑一篇', en: 'picking the best draft' },
    term: { zh: 'n 选一', en: 'best of n' },
  },
  eval: { life: { zh: '考试', en: 'sitting the exam' }, term: { zh: '评测', en: 'evaluation' } },
  report: { life: { zh: '成绩单', en: 'report card' }, term: { zh: '报告', en: 'report' } },
})

/** How a metric's value is written. */
export type Unit = 'count' | 'share' | 'bytes' | 'number' | 'yes'

const metricWords = table<{ zh: string; en: string; unit: Unit }>({
  documents: { zh: '读物', en: 'documents', unit: 'count' },
  bytes: { zh: '大小', en: 'size', unit: 'bytes' },
  heldOut: { zh: '留出读物', en: 'held-out documents', unit: 'count' },
  heldOutSeen: { zh: '留出文本中也读到过的行', en: 'held-out lines that were also read', unit: 'share' },
  heldOutBytes: { zh: '留出大小', en: 'held-out size', unit: 'bytes' },
  rejected: { zh: '拒收', en: 'rejected', unit: 'count' },
  vocab: { zh: '词表', en: 'vocabulary', unit: 'count' },
  charactersPerToken: { zh: '字符/词元', en: 'characters a token', unit: 'number' },
  bytesPerToken: { zh: '字节/词元', en: 'bytes a token', unit: 'number' },
  parameters: { zh: '参数', en: 'parameters', unit: 'count' },
  tokens: { zh: '学过的词元', en: 'tokens trained on', unit: 'count' },
  tokensPerParameter: { zh: '词元/参数', en: 'tokens a parameter', unit: 'number' },
  corpusTokens: { zh: '语料词元', en: 'tokens in the corpus', unit: 'count' },
  epochs: { zh: '遍数', en: 'epochs', unit: 'number' },
  loss: { zh: '损失', en: 'loss', unit: 'number' },
  heldOutLoss: { zh: '留出损失', en: 'held-out loss', unit: 'number' },
  bitsPerByte: { zh: '每字节比特', en: 'bits per byte', unit: 'number' },
  bitsPerByteUnseen: { zh: '每字节比特（只算没读过的行）', en: 'bits per byte, lines never read only', unit: 'number' },
  tokensPerSecond: { zh: '词元/秒', en: 'tokens a second', unit: 'count' },
  dialogues: { zh: '对话', en: 'dialogues', unit: 'count' },
  cut: { zh: '截断的对话', en: 'dialogues cut', unit: 'count' },
  steps: { zh: '步数', en: 'steps', unit: 'count' },
  updates: { zh: '更新次数', en: 'updates', unit: 'count' },
  unjudged: { zh: '无法评判的答案', en: 'answers nobody could judge', unit: 'count' },
  resampledGroups: { zh: '换掉的题组', en: 'groups replaced', unit: 'count' },
  overOptimisedAt: { zh: '从这一步起过度优化', en: 'over-optimised at step', unit: 'count' },
  judged: { zh: '奖励模型打的分', en: "reward model's score", unit: 'number' },
  gain: { zh: '真正的分数提高（以标准差计）', en: 'true worth gained, in deviations of the start', unit: 'number' },
  deviation: {
    zh: '起点回答真正的分数的标准差',
    en: "deviation of the true worth of the start's answers",
    unit: 'number',
  },
  divergence: { zh: '与起点的 KL（每个回答）', en: 'KL to the start (an answer)', unit: 'number' },
  answerReward: { zh: '答案得分', en: 'reward of the answer', unit: 'number' },
  formatReward: { zh: '格式得分', en: 'reward of the form', unit: 'number' },
  lengthReward: { zh: '超长扣分', en: 'taken off for length', unit: 'number' },
  valueLoss: { zh: '评论家的损失', en: "critic's loss", unit: 'number' },
  valueClipped: { zh: '被截断的价值', en: 'values clipped', unit: 'share' },
  explainedVariance: { zh: '评论家解释的方差', en: 'variance the critic explains', unit: 'share' },
  stoppedEarly: { zh: '提前结束', en: 'ended early', unit: 'yes' },
  accuracy: { zh: '正确率', en: 'accuracy', unit: 'share' },
  problems: { zh: '考题', en: 'problems', unit: 'count' },
  reward: { zh: '奖励', en: 'reward', unit: 'number' },
  rewardModel: { zh: '奖励模型打的分', en: "reward model's score", unit: 'number' },
  pairs: { zh: '学过的偏好对', en: 'pairs learnt from', unit: 'count' },
  heldOutPairs: { zh: '留出的偏好对', en: 'pairs held out', unit: 'count' },
  confidence: { zh: '自以为的把握', en: 'how sure it is', unit: 'share' },
  margin: { zh: '好坏之间的分差', en: 'margin', unit: 'number' },
  lengthAccuracy: { zh: '只看长短能判对', en: 'judging by length alone', unit: 'share' },
  rankings: { zh: '学过的排序', en: 'rankings learnt from', unit: 'count' },
  undecided: { zh: '分不出好坏的评判', en: 'opinions that prefer nothing', unit: 'count' },
  calibrationError: { zh: '把握与对错之差（ECE）', en: 'calibration error (ECE)', unit: 'share' },
  reliability: { zh: '把握在这么多时判对', en: 'right when so sure (%)', unit: 'share' },
  correct: { zh: '练习答对', en: 'right in practice', unit: 'share' },
  answerLength: { zh: '答案长度（词元）', en: 'answer length (tokens)', unit: 'number' },
  verification: { zh: '自己检查的答案', en: 'answers that check themselves', unit: 'share' },
  backtracking: { zh: '回头改正的答案', en: 'answers that go back', unit: 'share' },
  truncated: { zh: '没写完的答案', en: 'answers cut off', unit: 'share' },
  skippedGroups: { zh: '无差别题组', en: 'groups without signal', unit: 'share' },
  entropy: { zh: '熵（奈特）', en: 'entropy (nats)', unit: 'number' },
  klReference: { zh: '与起点的 KL', en: 'KL to the start', unit: 'number' },
  klOld: { zh: '与采样时的 KL', en: 'KL to the sampler', unit: 'number' },
  clipped: { zh: '被裁剪', en: 'clipped', unit: 'share' },
  'world.taught': { zh: '镇上的事（教过的）', en: 'facts that were taught', unit: 'share' },
  'world.untaught': { zh: '镇上的事（只读过的）', en: 'facts that were only read', unit: 'share' },
  'world.chance': { zh: '瞎猜能对', en: 'a guess would get', unit: 'share' },
  replayLoss: { zh: '重读语料的损失', en: 'loss on text read again', unit: 'number' },
  gradNorm: { zh: '梯度范数', en: 'gradient norm', unit: 'number' },
  language: { zh: '读物', en: 'documents', unit: 'count' },
  masked: { zh: '遮掉的', en: 'masked', unit: 'count' },
  models: { zh: '参评模型', en: 'models', unit: 'count' },
  questions: { zh: '问题', en: 'questions', unit: 'count' },
})

const splitWords = table<Words>({
  train: { zh: '训练', en: 'training' },
  exam: { zh: '考试', en: 'exam' },
  heldout: { zh: '留出', en: 'held-out' },
  zh: { zh: '中文', en: 'Chinese' },
  en: { zh: '英文', en: 'English' },
  und: { zh: '认不出的语言', en: 'in no known language' },
  email: { zh: '邮箱', en: 'e-mail addresses' },
  ip: { zh: 'IP 地址', en: 'IP addresses' },
  phone: { zh: '电话', en: 'phone numbers' },
  identity: { zh: '身份证号', en: 'identity numbers' },
  card: { zh: '银行卡号', en: 'card numbers' },
})

export interface MetricName {
  label: string
  unit: Unit
}

/** What a metric's name may end in. */
const endings = { Before: { zh: '（之前）', en: ' (before)' }, Gain: { zh: '（多了）', en: ' (gain)' } }

/** A metric's name for readers: `accuracyBefore`, `accuracyGain`, `pass@4`, `countdown-3-numbers.accuracy`; unknown ones keep theirs. */
export function metricName(key: string, language: Language): MetricName {
  const ending = (['Before', 'Gain'] as const).find((one) => key.endsWith(one)) ?? ''
  const bare = key.slice(0, key.length - ending.length)
  const known = metricWords[bare] ?? passWords(bare)
  if (known) return { label: known[language] + (ending && endings[ending][language]), unit: known.unit }
  if (bare.startsWith('exam.')) {
    const inner = metricName(bare.slice(5), language)
    return { ...inner, label: `${inner.label} · ${splitName('exam', language)}` }
  }
  const parts = bare.split('.')
  const wide = (i: number) => metricWords[`${parts[i]}.${parts[i + 1]}`] !== undefined // `world.taught`
  const at = parts.findIndex((part, i) => wide(i) || metricWords[part] || passWords(part))
  if (at < 0 || parts.length === 1) return { label: key, unit: 'number' }
  const size = wide(at) ? 2 : 1
  const inner = metricName(parts.slice(at, at + size).join('.') + ending, language)
  const rest = parts.filter((_, i) => i < at || i >= at + size).map((part) => splitName(part, language))
  return { ...inner, label: [inner.label, ...rest].join(' · ') }
}

function passWords(name: string): { zh: string; en: string; unit: Unit } | undefined {
  return /^pass@\d+$/.test(name) ? { zh: name, en: name, unit: 'share' } : undefined
}

/** A part of a metric's name: a split, a language, a stage, or what is practised; any other keeps its own. */
export function splitName(split: string, language: Language): string {
  return (splitWords[split] ?? stageWords[split]?.term)?.[language] ?? taskName(split, language)
}

/** What is practised, as a person says it; tasks of somebody's own keep their name. */
export function taskName(task: string, language: Language): string {
  const [, kind, n] = /^(arithmetic|countdown)-(\d+)-(?:digits|numbers)$/.exec(task) ?? []
  if (kind === 'arithmetic') return { zh: `${n} 位数算术`, en: `sums of ${n} digits` }[language]
  if (kind === 'countdown') return { zh: `${n} 个数凑数`, en: `countdown of ${n} numbers` }[language]
  return task === 'essays' ? { zh: '作文', en: 'essays' }[language] : task
}

/** Curves shown at once, in this order; the others are folded away. */
export const MAIN_CURVES = [
  'bitsPerByte',
  'loss',
  'accuracy',
  'reward',
  'rewardModel',
  'correct',
  'pass@1',
  'answerLength',
  'entropy',
]

/** Steps of the corpus's funnel. */
export const funnelWords = table<Words>({
  read: { zh: '翻到的', en: 'read' },
  url: { zh: '网址可靠', en: 'address is fine' },
  extract: { zh: '有正文', en: 'has a main text' },
  language: { zh: '是要的语言', en: 'in the language wanted' },
  'min-length': { zh: '够长', en: 'long enough' },
  'gopher-repetition': { zh: '不啰嗦', en: 'not repetitive' },
  'gopher-quality': { zh: '像篇文章', en: 'reads like prose' },
  c4: { zh: '不是网页零碎', en: 'no page scraps' },
  fineweb: { zh: '排版正常', en: 'lines are whole' },
  'blocked-words': { zh: '不涉黄赌毒', en: 'sells no gambling, sex or drugs' },
  'toxic-words': { zh: '不带脏字', en: 'not abusive' },
  decontamination: { zh: '没有考题', en: 'holds no exam questions' },
  'exact-duplicate': { zh: '没有重样的', en: 'no exact copy' },
  'near-duplicate': { zh: '没有近似的', en: 'no near copy' },
  'duplicate-lines': { zh: '去掉重复的行', en: 'without repeated lines' },
})

const headings = {
  card: { zh: '成绩单', en: 'Report card' },
  unfinished: { zh: '还没跑完', en: 'not finished yet' },
  timeline: { zh: '时间都花在哪儿了', en: 'Where the time went' },
  questions: { zh: '同样的问题，问每个阶段', en: 'The same questions to every stage' },
  questionsNote: {
    zh: '每个模型都先给出它最有把握的回答，再随机抽一次。基座模型没见过对话，所以问两次：直接往下写一次，套上对话模板一次。只有题目和事实有标准答案，会打勾或打叉。',
    en: 'Every model first gives the answer it is surest of, then one drawn at random. A base model has never seen a dialogue, so it is asked twice: to go on writing, and in the chat template. Only exercises and facts have a right answer and are marked.',
  },
  metrics: { zh: '各科成绩', en: 'Metrics of each stage' },
  metricsNote: {
    zh: '方括号里是 95% 置信区间。损失的单位是奈特每词元；每字节比特在没读过的文本上测量，与词表无关。',
    en: 'Brackets hold 95 % intervals. Loss is in nats a token; bits per byte are measured on text never trained on and do not depend on the vocabulary.',
  },
  exam: { zh: '考试', en: 'The exam' },
  examNote: {
    zh: '每个阶段的模型做同一张卷子：算题在训练时没出现过，事实换了没见过的问法。基座模型不会对话，先给它看几道例题。箭头是和训练之前相比多答对了几个百分点（奖励按它自己的单位）；区间不含零才算数。',
    en: 'The model of every stage sits the same paper: exercises that were in no training, facts in wordings never seen. A base model cannot chat and gets worked examples first. Arrows are percentage points (of a reward its own units) gained on the model that the stage went on from; where the interval holds zero there may be no difference.',
  },
  countersNote: {
    zh: '5-gram 和 PPM 不是神经网络，只会数数：读同样的语料，记下每几个词元（或字节）后面跟过什么、跟过几次。',
    en: '5-gram and PPM are no neural networks. They count, in the same corpus, what followed the last few tokens (or bytes) and how often.',
  },
  see: { zh: '见上面的考试', en: 'see the exam above' },
  controls: { zh: '对照', en: 'Controls' },
  aha: { zh: '“顿悟”', en: 'Aha moments' },
  ahaNote: {
    zh: '按事先定好的规则判断：自己检查或回头改正的话是不是突然变多、比刷题之前多、带着它的答案不更差、答案也变好了，而奖励打乱的对照里没有。小模型一般不会自己悟出来。',
    en: 'Judged by rules stated beforehand: phrases of checking or going back become more at some step, more than before any practice, answers with them are no worse, answers get better, and a control with shuffled rewards does not do the same. Small models are not expected to come to it by themselves.',
  },
  ahaFirsts: { zh: '第一次出现的原文', en: 'the first ones, word for word' },
  curves: { zh: '曲线', en: 'Curves' },
  curvesNote: {
    zh: '浅线是原始值，深线是滑动平均；浅色带是 95% 置信区间。横轴是步数。',
    en: 'Faint lines are raw values, strong ones a moving average; bands are 95 % intervals. Steps run to the right.',
  },
  moreCurves: { zh: '其他曲线', en: 'more curves' },
  samples: { zh: '一步步学会说话', en: 'Learning to speak, step by step' },
  samplesNote: { zh: '同样的开头，在每次评测时让它接着写。', en: 'The same prompts at every evaluation.' },
  funnel: { zh: '书是怎么挑的', en: 'How the books were chosen' },
  rules: { zh: '被谁拒收', en: 'refused by' },
  warnings: { zh: '要留意的', en: 'Worth knowing' },
  machine: { zh: '机器', en: 'Machine' },
  recipe: { zh: '食谱', en: 'Recipe' },
  commands: { zh: '接着玩', en: 'Go on from here' },
  stage: { zh: '阶段', en: 'stage' },
  kind: { zh: '类型', en: 'kind' },
  time: { zh: '用时', en: 'time' },
  answer: { zh: '回答', en: 'answer' },
  drawn: { zh: '随机抽一次', en: 'drawn' },
  silent: { zh: '（什么也没说）', en: '(said nothing)' },
  expected: { zh: '标准答案：', en: 'right answer: ' },
  text: { zh: '往下写', en: 'goes on writing' },
  chat: { zh: '对话', en: 'in chat' },
  control: { zh: '对照', en: 'control' },
  step: { zh: '步', en: 'step' },
  measured: { zh: '测到的', en: 'measured' },
  total: { zh: '合计', en: 'total' },
  takenFrom: { zh: '取自 ', en: 'taken over from ' },
  waiting: { zh: '还没开始', en: 'not begun' },
  running: { zh: '进行中', en: 'under way' },
  right: { zh: '对', en: 'right' },
  wrong: { zh: '错', en: 'wrong' },
  withoutWeights: { zh: '从随机参数开始，没读过书', en: 'from random weights, without the reading' },
  withoutReward: { zh: '奖励随机发放，不管对错', en: 'rewards go to random answers' },
  talk: { zh: '和它聊天', en: 'talk with it' },
  talkBase: { zh: '和没学过对话的基座模型聊', en: 'talk with the base model' },
  score: { zh: '看它预测一段文字的本事', en: 'how well it predicts a text' },
  export: { zh: '导出给 llama.cpp、Ollama 用', en: 'for llama.cpp and Ollama' },
  resume: { zh: '接着没跑完的训练', en: 'go on with an unfinished run' },
  again: { zh: '在别处从头再跑一遍', en: 'run it again, from the start' },
  renew: { zh: '重新出这份成绩单', en: 'make this report again' },
  madeBy: { zh: '由学霸（xueba）生成', en: 'made by xueba' },
} satisfies Record<string, Words>

export type Heading = keyof typeof headings

export const wordsOf = (language: Language) => (heading: Heading) => headings[heading][language]

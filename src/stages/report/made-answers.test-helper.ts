/** Made-up answers of the models of `makeRun`, as the interview would give them. */
import type { Comparison, ModelAnswer } from './card.ts'
import type { MadeRun } from './made-run.test-helper.ts'

export function madeAnswers({ language = 'zh', hostile }: MadeRun = {}): Comparison[] {
  const zh = language === 'zh'
  const answer = (stage: string, manner: 'text' | 'chat', text: string, correct: boolean | null): ModelAnswer => ({
    stage,
    manner,
    greedy: { text: hostile ?? text, truncated: manner === 'text', correct },
    sampled: { text: hostile ?? `${text.slice(0, 9)}`, truncated: false, correct: correct && false, temperature: 0.7 },
  })
  const rows: [question: string, expected: string | null, base: string, chat: string][] = zh
    ? [
        [
          '你好！',
          null,
          '”王小明说，“今天天气真好，我要去集市买苹果。”李大叔点点头',
          '你好！我是学霸，有什么想问的吗？',
        ],
        ['陈静的职业是什么？', '木匠', '答：陈静是一名木匠。\n问：陈静住在哪里？', '陈静是木匠。'],
        ['计算：37+45', '82', '，一共是多少', '37+45：\n个位：7+5=12，写2进1\n十位：3+4+1=8\n答案：82'],
      ]
    : [
        [
          'Hello!',
          null,
          ' said the baker, and the day was warm. They went to the market',
          'Hello! I am xueba. What would you like to know?',
        ],
        ['What job does Ann Hill do?', 'carpenter', '\nAnn Hill is a carpenter.\n', 'Ann Hill is a carpenter.'],
        ['What is 37+45?', '82', ' coins per loaf', '37+45:\nones: 7+5=12, write 2 carry 1\ntens: 3+4+1=8\nAnswer: 82'],
      ]
  return rows.map(([question, expected, base, chat], i) => {
    const mark = (right: boolean) => (expected === null ? null : right)
    return {
      question: hostile ?? question,
      expected,
      answers: [
        answer('pretrain', 'text', base, mark(i === 1)),
        answer('pretrain', 'chat', '', mark(false)),
        answer('sft-control', 'chat', chat.slice(0, 6), mark(false)),
        answer('sft', 'chat', chat, mark(i === 1)),
        answer('rl', 'chat', chat, mark(true)),
      ],
    }
  })
}

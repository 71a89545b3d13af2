/** xueba bench …: how fast this machine trains and decodes, against its own peak and against peers that are installed. */
import { all } from './bench/all.ts'
import { attention } from './bench/attention.ts'
import { decode } from './bench/decode.ts'
import { gemm } from './bench/gemm.ts'
import { step } from './bench/step.ts'
import { tokenizer } from './bench/tokenizer.ts'
import type { Group } from './verb.ts'

export const bench: Group = {
  name: 'bench',
  summary: {
    en: 'how fast: against the machine’s peak, and against peers',
    zh: '测速度：和机器的峰值比，也和别的程序比',
  },
  verbs: [step, gemm, attention, decode, tokenizer],
  alone: all,
}

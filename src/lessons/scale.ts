/**
 * How large is large: a corpus in human lifetimes of reading, and FineWeb on this machine. Plain arithmetic on measured numbers; every
 * assumption is a row of its own, so that a reader can disagree with it.
 */

/** Characters a person reads in a lifetime: 70 years × 365 days × 2 hours × about 10,000 characters an hour. */
export const LIFETIME_CHARACTERS = 500_000_000

/** FineWeb as published: 44 TB of text, 15 trillion tokens (Penedo et al., "The FineWeb datasets", 2024). */
export const FINEWEB = { bytes: 44e12, tokens: 15e12 }

/** An accelerator of a data centre, bf16, dense: 989 TFLOP/s on paper (NVIDIA H100 SXM), of which good training runs use 40 %. */
export const ACCELERATOR = { flops: 989e12, used: 0.4, count: 10_000 }

const YEAR = 365.25 * 24 * 3600
const DAY = 24 * 3600

export interface ScaleInputs {
  /** Of the corpus that was read. */
  characters: number
  tokens: number
  /** Of the model. */
  parameters: number
  /** Measured on this machine, with that model. */
  tokensPerSecond: number
}

export interface Scale {
  /** How many lifetimes of reading: of the corpus, and of FineWeb (at as many characters a token as the corpus has). */
  lifetimes: { corpus: number; fineweb: number }
  /** Years to read FineWeb once at the measured speed, with the small model. */
  yearsHere: number
  /** A 7-billion-parameter model on FineWeb: 6·N·D floating-point operations, years here, days on the accelerators. */
  large: { parameters: number; flops: number; yearsHere: number; daysThere: number }
  /** Floating-point operations a second that the measured speed amounts to. */
  flopsHere: number
}

/** 6·N·D: forward and backward, two operations a parameter and token, three times (Kaplan et al., 2020). */
export const trainingFlops = (parameters: number, tokens: number): number => 6 * parameters * tokens

export function scaleOf({ characters, tokens, parameters, tokensPerSecond }: ScaleInputs): Scale {
  const flopsHere = trainingFlops(parameters, tokensPerSecond)
  const large = { parameters: 7e9, flops: trainingFlops(7e9, FINEWEB.tokens) }
  return {
    lifetimes: {
      corpus: characters / LIFETIME_CHARACTERS,
      fineweb: (FINEWEB.tokens * (characters / tokens)) / LIFETIME_CHARACTERS,
    },
    yearsHere: FINEWEB.tokens / tokensPerSecond / YEAR,
    large: {
      ...large,
      yearsHere: large.flops / flopsHere / YEAR,
      daysThere: large.flops / (ACCELERATOR.flops * ACCELERATOR.used * ACCELERATOR.count) / DAY,
    },
    flopsHere,
  }
}

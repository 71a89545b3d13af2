/** An error that a person reads: a sentence in each language, no stack. The command line prints the one of its reader. */
export class UserError extends Error {
  /** The same sentence in Chinese; `message` is the English one. */
  readonly zh: string

  constructor(en: string, zh: string, options?: ErrorOptions) {
    super(en, options)
    this.name = 'UserError'
    this.zh = zh
  }
}

/** The code of a system error (`ENOSPC`, `ENOENT`, …), if it is one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Says "the disk is full" where the system said ENOSPC or EDQUOT; every other error is returned as it came. */
export function explainFull(error: unknown, what: string, whatZh: string): unknown {
  const code = codeOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new UserError(
    `the disk is full: ${what} could not be written. What was there before is intact; make room and resume.`,
    `磁盘已满：${whatZh}没能写下。之前的内容完好无损，腾出空间后可以继续。`,
    { cause: error },
  )
}

/** One live line on a terminal; elsewhere a plain line every ten seconds. On standard error, so that results can be piped. */
import { clip } from './live.ts'

/** Milliseconds between two lines. */
const INTERVAL = { terminal: 200, plain: 10_000 }

export function createStatus(out: NodeJS.WriteStream = process.stderr) {
  const terminal = out.isTTY === true && process.env.TERM !== 'dumb'
  let shown = performance.now()
  let live = false
  return {
    /** Whether it is time for the next line. */
    due(): boolean {
      if (performance.now() - shown < (terminal ? INTERVAL.terminal : INTERVAL.plain)) return false
      shown = performance.now()
      return true
    },
    show(text: string) {
      out.write(terminal ? `\r\x1b[2K${clip(text, (out.columns || 80) - 1)}` : `${text}\n`)
      live = terminal
    },
    /** Clears the live line. */
    end() {
      if (live) out.write('\r\x1b[2K')
      live = false
    },
  }
}

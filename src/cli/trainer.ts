/**
 * The trainer's process: works on one run directory and talks to the world through its event log. What goes wrong before the log is
 * open is a sentence on stderr. Exit codes: 0 done, 1 failed (the log says why), 2 the recipe is damaged, 3 stopped on request.
 * Started by `start-trainer.ts`, never by hand: RUN, where control.jsonl ended then, --strict, --share.
 */
import { exitCodeOf, sentenceOf } from './errors.ts'

// Ctrl-C goes to the whole terminal group: the terminal's process turns it into a request to stop, which saves first. From the first
// moment on, hence the import below.
process.on('SIGINT', () => {})

const [run, controlFrom, ...flags] = process.argv.slice(2)
try {
  const { runStages } = await import('../stages/runner.ts')
  const [strict, share] = [flags.includes('--strict'), flags.includes('--share')]
  const options = { strict, share, controlFrom: Number(controlFrom) }
  process.exitCode = (await runStages(run!, options)) === 'done' ? 0 : 3
} catch (error) {
  console.error(sentenceOf(error) ?? error)
  process.exitCode = exitCodeOf(error)
}

/**
 * The trainer's process: works on one run directory and talks to the world through its event log only. Exit codes: 0 done,
 * 1 failed (the log says why), 3 stopped on request. Started by `start-trainer.ts`, never by hand.
 */
import { runStages } from '../stages/runner.ts'

const [run, ...flags] = process.argv.slice(2)

// Ctrl-C goes to the whole terminal group: the terminal's process turns it into a request to stop, which saves first.
process.on('SIGINT', () => {})

try {
  process.exitCode = (await runStages(run!, { strict: flags.includes('--strict') })) === 'done' ? 0 : 3
} catch (error) {
  console.error(error instanceof Error && error.name !== 'UserError' ? error : '')
  process.exitCode = 1
}

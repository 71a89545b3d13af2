/**
 * `npm run study -- kills`: a whole `tiny` run killed twenty times, about 4 minutes.
 * `npm run study -- gates`: does learning happen? The quickstart and its controls, three seeds in two languages, about 80 minutes.
 * `npm run study -- serve`: the server under load, about 11 minutes.
 * `npm run study -- llama`: does llama.cpp make of an exported model what we make of it? Installs node-llama-cpp into the cache, about 4 minutes.
 * `npm run study -- record --run runs/quickstart-zh`: a finished run as a recording for the studio, seconds.
 * `npm run study -- studio`: what the studio costs: opening a long log, and a trainer's speed with a stream attached, about 5 minutes.
 * `npm run study -- shots`: pictures of every screen of the studio, for people to look at, about 4 minutes.
 * `npm run study -- large --model runs/tiny/05-rl`: a checkpoint in the sizes of Qwen3-0.6B, imported, loaded and run, about 2 minutes.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gatesTable, runGates } from './gates.ts'
import { studyLarge } from './import-large.ts'
import { studyServe } from './serve-load.ts'
import { studyStudio } from './studio-speed.ts'
import { recordRun } from './record.ts'
import { takeShots } from './screenshots.ts'
import { agrees, llamaTable, studyLlama } from './llama.ts'

const root = join(import.meta.dirname, '..')
const usage = `npm run study -- kills                                a whole run killed twenty times (4 minutes)
npm run study -- gates [--seeds 1,2,3] [--langs zh,en] [--out runs/gates] [--set …]
                                                      the quickstart and its controls (13 minutes a run; goes on where it stopped)
npm run study -- serve [--minutes 10] [--model runs/tiny/05-rl]
                                                      the server under load: tokens a second, errors, memory
npm run study -- llama [--langs zh,en]                exported models in llama.cpp, beside ours (4 minutes)
npm run study -- record --run runs/quickstart-zh [--out FILE]
                                                      a finished run as a recording for the studio (seconds, at most 2 MB)
npm run study -- studio [--pairs 5]                   what the studio costs: long logs, a trainer's speed (5 minutes)
npm run study -- shots [SCREEN …] [--url http://127.0.0.1:5170] [--quick]
                                                      pictures of the studio's screens into studio/shots (4 minutes)
npm run study -- large --model runs/tiny/05-rl        a model of 0.6 billion parameters: time and memory (2 minutes, 3 GB of disk)`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    langs: { type: 'string', default: 'zh,en' },
    out: { type: 'string' },
    run: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    url: { type: 'string', default: 'http://127.0.0.1:5170' },
    quick: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '10' },
    model: { type: 'string' },
  },
})
switch (positionals[0]) {
  case 'kills': {
    const env = { ...process.env, XUEBA_KILLS: '20', XUEBA_KILL_RECIPE: 'full' }
    const { status } = spawnSync(process.execPath, [join(root, 'scripts/check.ts'), 'test/resume'], {
      cwd: root,
      stdio: 'inherit',
      env,
    })
    process.exitCode = status ?? 1
    break
  }
  case 'gates': {
    const runs = values.langs.split(',').flatMap((language) =>
      values.seeds.split(',').map((seed) => ({
        language,
        seed: Number(seed),
        folder: join(values.out ?? 'runs/gates', `${language}-${seed}`),
      })),
    )
    const done = runGates(runs, values.set)
    console.log(gatesTable(done))
    if (done.length < runs.length) process.exitCode = 1
    break
  }
  case 'record':
    if (!values.run) throw new Error('which run? --run runs/quickstart-zh')
    await recordRun(values.run, values.out)
    break
  case 'shots': {
    const shots = {
      url: values.url,
      out: values.out ?? 'studio/shots',
      screens: positionals.slice(1),
      quick: values.quick,
    }
    const problems = await takeShots({ ...shots, screens: shots.screens.length > 0 ? shots.screens : undefined })
    console.log(problems.join('\n') || `all in ${shots.out}`)
    if (problems.length > 0) process.exitCode = 1
    break
  }
  case 'studio':
    await studyStudio(Number(values.pairs))
    break
  case 'serve': {
    if ((await studyServe(Number(values.minutes), values.model)) > 0) process.exitCode = 1
    break
  }
  case 'llama': {
    const study = await studyLlama(values.langs.split(','))
    console.log(JSON.stringify(study, null, 1))
    console.log(llamaTable(study))
    if (!agrees(study)) process.exitCode = 1
    break
  }
  case 'large': {
    console.log(JSON.stringify(studyLarge(values.model ?? 'runs/tiny/05-rl'), null, 1))
    break
  }
  default:
    console.error(usage)
    process.exitCode = 2
}

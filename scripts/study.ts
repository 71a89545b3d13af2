/**
 * `npm run study -- kills`: a whole `tiny` run killed twenty times, about 4 minutes.
 * `npm run study -- gates`: does learning happen? The quickstart and its controls, three seeds in two languages, about 80 minutes.
 * `npm run study -- serve`: the server under load, about 11 minutes.
 * `npm run study -- llama`: does llama.cpp make of an exported model what we make of it? Installs node-llama-cpp into the cache, about 4 minutes.
 * `npm run study -- large --model runs/tiny/05-rl`: a checkpoint in the sizes of Qwen3-0.6B, imported, loaded and run, about 2 minutes.
 * `npm run study -- tokenizer`: a vocabulary of 32,000 from 100 MB of English and of Chinese, time and memory, about 2 minutes.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gatesTable, runGates } from './gates.ts'
import { studyLarge } from './import-large.ts'
import { studyServe } from './serve-load.ts'
import { studyTokenizer } from './tokenizer-train.ts'
import { agrees, llamaTable, studyLlama } from './llama.ts'

const root = join(import.meta.dirname, '..')
const usage = `npm run study -- kills                                a whole run killed twenty times (4 minutes)
npm run study -- gates [--seeds 1,2,3] [--langs zh,en] [--out runs/gates] [--set …]
                                                      the quickstart and its controls (13 minutes a run; goes on where it stopped)
npm run study -- serve [--minutes 10] [--model runs/tiny/05-rl]
                                                      the server under load: tokens a second, errors, memory
npm run study -- llama [--langs zh,en]                exported models in llama.cpp, beside ours (4 minutes)
npm run study -- large --model runs/tiny/05-rl        a model of 0.6 billion parameters: time and memory (2 minutes, 3 GB of disk)
npm run study -- tokenizer [--megabytes 100]          a vocabulary of 32,000 in English and in Chinese: time and memory (2 minutes)`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    langs: { type: 'string', default: 'zh,en' },
    out: { type: 'string', default: 'runs/gates' },
    set: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '10' },
    model: { type: 'string' },
    megabytes: { type: 'string', default: '100' },
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
        folder: join(values.out, `${language}-${seed}`),
      })),
    )
    const done = runGates(runs, values.set)
    console.log(gatesTable(done))
    if (done.length < runs.length) process.exitCode = 1
    break
  }
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
  case 'tokenizer': {
    for (const one of studyTokenizer(Number(values.megabytes))) console.log(JSON.stringify(one))
    break
  }
  default:
    console.error(usage)
    process.exitCode = 2
}

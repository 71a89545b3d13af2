/**
 * `npm run study -- kills`: a whole `tiny` run killed twenty times, about 4 minutes.
 * `npm run study -- gates`: does learning happen? The quickstart and its controls, three seeds in two languages, about 80 minutes.
 * `npm run study -- serve`: the server under load, about 11 minutes.
 * `npm run study -- llama`: does llama.cpp make of an exported model what we make of it? Installs node-llama-cpp into the cache, about 4 minutes.
 * `npm run study -- record --run runs/quickstart-zh`: a finished run as a recording for the studio, seconds.
 * `npm run study -- studio`: what the studio costs: opening a long log, and a trainer's speed with a stream attached, about 5 minutes.
 * `npm run study -- shots`: pictures of every screen of the studio, for people to look at, about 4 minutes.
 * `npm run study -- large --model runs/tiny/05-rl`: a checkpoint in the sizes of Qwen3-0.6B, imported, loaded and run, about 2 minutes.
 * `npm run study -- models`: 10,000 damaged and lying model files: is each refused in our words?
 * `npm run study -- readers`: 10,000 damaged inputs, bombs, and the speed of every format (XUEBA_DATA names the folder of real data).
 * `npm run study -- corpus`: planted duplicates, memory by documents, speed by step and cores, funnels. About 10 minutes.
 * `npm run study -- filters [language unhealthy pii speed]`: what the corpus filters are worth, about 2 minutes.
 * `npm run study -- extraction`: main text of pages with gold beside Readability on linkedom, charsets, 10,000 broken pages, about 10 minutes.
 * `npm run study -- tokenizer`: a vocabulary of 32,000 from 100 MB of English and of Chinese, time and memory, about 2 minutes.
 * `npm run study -- memory`: what the loss adds to a step's peak of memory, and whether 10,000 steps grow, about 1 minute.
 * `npm run study -- labels --base runs/teachers`: accuracy of a reward model by number of labels, up to 5,000 of a simulated reader, about 15 minutes a seed.
 * `npm run study -- human`: a reward model on real people's preferences (XUEBA_DATA), cross-validated, beside lengths and a linear judge, about 30 minutes.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type CorpusStudy, studyCorpus } from './corpus-study.ts'
import { fuzzModels } from '../src/import/hostile.test-helper.ts'
import { studyFilters } from './study-filters.ts'
import { studyExtraction } from './extraction/study.ts'
import { gatesTable, runGates } from './gates.ts'
import { studyLarge } from './import-large.ts'
import { studyReaders } from './readers-study.ts'
import { studyServe } from './serve-load.ts'
import { studyTokenizer } from './tokenizer-train.ts'
import { studyStudio } from './studio-speed.ts'
import { recordRun } from './record.ts'
import { drawLossMemory, memoryTable, studyGrowth, studyLossMemory } from './memory-study.ts'
import { studyHuman } from './study-human.ts'
import { labelsTable, studyLabels } from './study-labels.ts'
import { takeShots } from './screenshots.ts'
import { agrees, llamaTable, studyLlama, THREADS } from './llama.ts'
import { compareSpeeds, type Speeds, speedTable } from './llama-speed.ts'

const root = join(import.meta.dirname, '..')
const usage = `npm run study -- kills                                a whole run killed twenty times (4 minutes)
npm run study -- gates [--seeds 1,2,3] [--langs zh,en] [--out runs/gates] [--set …]
                                                      the quickstart and its controls (13 minutes a run; goes on where it stopped)
npm run study -- serve [--minutes 10] [--model runs/tiny/05-rl]
                                                      the server under load: tokens a second, errors, memory
npm run study -- llama [--langs zh,en]                exported models in llama.cpp, beside ours (4 minutes)
npm run study -- llama --speed                        decoding and prompts of three sizes, llama.cpp's and ours in turns (10 minutes)
npm run study -- large --model runs/tiny/05-rl        a model of 0.6 billion parameters: time and memory (2 minutes, 3 GB of disk)
npm run study -- models [--inputs 10000]              damaged and lying safetensors, GGUF and config.json files (1 minute)
npm run study -- readers [--inputs 10000] [--megabytes 100]
                                                      damaged inputs, bombs, and the speed of every format (3 minutes)
npm run study -- corpus [--parts curve,memory,speed,funnels]
                                                      planted duplicates, memory, speed and funnels (10 minutes; real archives from XUEBA_DATA)
npm run study -- filters [language unhealthy pii speed]
                                                      languages, unhealthy pages, personal data, MB/s of the corpus filters (2 minutes)
npm run study -- extraction [--sets web-readability,…] [--parts scores,charsets,fuzz] [--passes 3]
                                                      main text of the gold pages in XUEBA_DATA, beside Readability (10 minutes)
npm run study -- tokenizer [--megabytes 100]          a vocabulary of 32,000 in English and in Chinese: time and memory (2 minutes)
npm run study -- memory                               memory of the loss by vocabulary and tokens, and of 10,000 steps (1 minute)
npm run study -- labels --base runs/teachers [--sizes 50,200,1000,5000] [--seeds 1,2,3] [--noise 1]
                                                      reward models by number of labels (15 minutes a seed; goes on where it stopped)
npm run study -- human [--parts words] [--folds 5] [--judged 5] [--depth 1] [--time 128] [--epochs 1] [--steps 1000]
                                                      a reward model on people's preferences in XUEBA_DATA (30 minutes)
npm run study -- record --run runs/quickstart-zh [--out FILE]
                                                      a finished run as a recording for the studio (seconds, at most 2 MB)
npm run study -- studio [--pairs 20]                  what the studio costs: long logs, a trainer's speed (4 minutes)
npm run study -- shots [SCREEN …] [--url http://127.0.0.1:5170] [--run NAME] [--quick]
                                                      pictures of the studio's screens into studio/shots (4 minutes)`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    langs: { type: 'string', default: 'zh,en' },
    out: { type: 'string' },
    run: { type: 'string' },
    help: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '20' },
    url: { type: 'string', default: 'http://127.0.0.1:5170' },
    quick: { type: 'boolean', default: false },
    speed: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
    minutes: { type: 'string', default: '10' },
    model: { type: 'string' },
    inputs: { type: 'string', default: '10000' },
    megabytes: { type: 'string', default: '100' },
    parts: { type: 'string', default: '' },
    sets: { type: 'string', default: '' },
    passes: { type: 'string', default: '3' },
    base: { type: 'string', default: 'runs/teachers' },
    sizes: { type: 'string', default: '50,100,200,500,1000,2000,5000' },
    noise: { type: 'string', default: '1' },
    folds: { type: 'string', default: '5' },
    judged: { type: 'string' },
    depth: { type: 'string', default: '1' },
    time: { type: 'string', default: '128' },
    epochs: { type: 'string', default: '1' },
    steps: { type: 'string', default: '1000' },
  },
})
if (values.help) {
  const mine = new RegExp(`^npm run study -- ${positionals[0]}\\b.*(?:\\n .*)?`, 'gm')
  console.log(usage.match(mine)?.join('\n') ?? usage)
  process.exit(0)
}
switch (positionals[0]) {
  case 'memory': {
    const rows = studyLossMemory()
    console.log(`${memoryTable(rows)}\ndrawn into ${drawLossMemory(rows)}`)
    const { early, late } = studyGrowth(10_000)
    console.log(`10,000 steps: ${early.toFixed(1)} MB after 1,000, ${late.toFixed(1)} MB after all`)
    break
  }
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
  case 'filters': {
    await studyFilters(positionals.slice(1))
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
      run: values.run,
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
    if (values.speed) {
      const all: Speeds[] = []
      await compareSpeeds(THREADS, (speeds) => {
        all.push(speeds)
        console.error(JSON.stringify(speeds))
      })
      console.log(speedTable(all))
      break
    }
    const study = await studyLlama(values.langs.split(','))
    console.log(JSON.stringify(study, null, 1))
    console.log(llamaTable(study))
    if (!agrees(study)) process.exitCode = 1
    break
  }
  case 'corpus': {
    const parts = values.parts === '' ? ['curve', 'funnels', 'speed', 'memory'] : values.parts.split(',')
    await studyCorpus(parts as CorpusStudy[], join(root, 'runs/corpus-study'))
    break
  }
  case 'large': {
    console.log(JSON.stringify(studyLarge(values.model ?? 'runs/tiny/05-rl'), null, 1))
    break
  }
  case 'models': {
    const folder = mkdtempSync(join(tmpdir(), 'xueba-models-'))
    const fuzzed = await fuzzModels(Number(values.inputs), folder)
    rmSync(folder, { recursive: true, force: true })
    console.log(JSON.stringify(fuzzed, null, 1))
    if (fuzzed.crashes.length > 0) process.exitCode = 1
    break
  }
  case 'readers': {
    console.log(JSON.stringify(await studyReaders(Number(values.inputs), Number(values.megabytes)), null, 1))
    break
  }
  case 'extraction': {
    const names = (list: string) => list.split(',').filter((name) => name !== '')
    const options = { sets: names(values.sets), parts: names(values.parts), passes: Number(values.passes) }
    if (!studyExtraction(options)) process.exitCode = 1
    break
  }
  case 'labels': {
    const numbers = (list: string) => list.split(',').map(Number)
    console.log(
      labelsTable(await studyLabels(values.base, numbers(values.sizes), numbers(values.seeds), Number(values.noise))),
    )
    break
  }
  case 'human': {
    const data = process.env.XUEBA_DATA
    if (!data) throw new Error('where are pref-oasst, pref-llamafactory and pref-taskmaster? Set XUEBA_DATA')
    const folds = Number(values.folds)
    console.log(
      await studyHuman(
        {
          data,
          out: values.out ?? 'runs/human',
          folds,
          judged: values.judged === undefined ? folds : Number(values.judged),
          vocab: 2048,
          depth: Number(values.depth),
          time: Number(values.time),
          readSteps: Number(values.steps),
          epochs: Number(values.epochs),
          seed: 1,
        },
        values.parts === 'words' ? 'words' : 'all',
      ),
    )
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

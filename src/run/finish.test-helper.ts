/** Declares a stage of a made-up run done, as made from what the earlier stages hold now. */
import { basename } from 'node:path'
import { readRun } from './directory.ts'
import { type Manifest, outputHash, writeManifest } from './manifest.ts'

export async function finishStage(run: string, index: number, made: Omit<Manifest, 'files' | 'inputs'>): Promise<void> {
  const { stages } = await readRun(run)
  const inputs = stages
    .slice(0, index)
    .flatMap(({ folder, manifest }) => (manifest ? [[basename(folder), outputHash(manifest)]] : []))
  await writeManifest(stages[index]!.folder, { ...made, inputs: Object.fromEntries(inputs) })
}

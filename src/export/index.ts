/** xueba/export: a trained model for other programs, as a Hugging Face folder or a GGUF file. */
import { basename, dirname, isAbsolute, join } from 'node:path'
import { type GgmlType, ggufPieces, weightFiles } from '../formats/index.ts'
import { isRun, readManifest, sha256, sha256OfFile, version } from '../run/index.ts'
import { mergeAdapter } from '../stages/adapter-folder.ts'
import { goesOn, readModel } from '../stages/model-folder.ts'
import { gather, stageOptions } from '../stages/report/gather.ts'
import { lastAnswers } from '../stages/report.ts'
import type { Language } from '../stages/stage.ts'
import { ggufOf } from './gguf.ts'
import { huggingFaceFiles, type HuggingFaceType } from './huggingface.ts'
import { lineageOf } from './lineage.ts'
import { type CardFacts, modelCard } from './model-card.ts'
import { exportFacts, type Files, placeFile, placeFolder } from './place.ts'

export { EXPORT_FILE } from './place.ts'

export { ggufOf } from './gguf.ts'
export type { GgufModel } from './gguf.ts'
export { huggingFaceFiles, huggingFaceTypes } from './huggingface.ts'
export type { HuggingFaceType } from './huggingface.ts'
export { modelCard } from './model-card.ts'
export type { CardFacts } from './model-card.ts'

export interface ExportOptions {
  /** Folder or file to write. */
  out: string
  /** Replace what is there and is no earlier export. */
  force?: boolean
  /** A PEFT adapter to merge into the weights first. */
  adapter?: string
}

/** What is known of a model's folder: the run it lies in, its stage, and a name for people. */
export interface Origin {
  run: string | undefined
  stage: string | undefined
  /** Of the stage that made it, where that is known: what `pretrain` made goes on writing. */
  kind: string | undefined
  name: string
}

/** Of a model folder: in a run, exported earlier, or of unknown origin. */
export async function originOf(folder: string): Promise<Origin> {
  const manifest = await readManifest(folder)
  const run = manifest && isRun(dirname(folder)) ? dirname(folder) : undefined
  const stage = run && manifest?.name
  const earlier = await exportFacts(folder)
  const name = run ? `${basename(run)}-${stage}` : (earlier?.name ?? basename(folder))
  return { run, stage, kind: manifest?.kind ?? earlier?.kind, name }
}

/** Writes a Hugging Face folder with a model card. Throws a UserError that says what is wrong with the model or the place. */
export async function exportHuggingFace(
  folder: string,
  type: HuggingFaceType,
  { out, force = false, adapter, language }: ExportOptions & { language: Language },
): Promise<void> {
  const model = await readModel(folder)
  if (adapter !== undefined) await mergeAdapter(model, adapter)
  const origin = await originOf(folder)
  const card =
    origin.run === undefined ? undefined : await gather(origin.run, { comparisons: await lastAnswers(origin.run) })
  const run = card && origin.stage !== undefined ? { card, stage: origin.stage } : undefined
  const base = goesOn(origin.kind, model.tokenizer)
  const imported = (await importedFrom(folder, run)) ?? (model.tokenizer.manners ? origin.name : undefined)
  const readme = modelCard({ name: origin.name, base, config: model.config, type, language, run, imported })
  const facts = {
    format: 'hf',
    type,
    xueba: version(),
    name: origin.name,
    kind: origin.kind,
    source: imported,
    weights: await hashOfWeights(folder),
  }
  await placeFolder(out, withCard(huggingFaceFiles(model, type), readme), facts, { force, source: folder })
}

/** Where somebody else's model came from, of an imported folder or of a run that went on from one. */
async function importedFrom(folder: string, run?: CardFacts['run']): Promise<string | undefined> {
  const stage = run && lineageOf(run.card, run.stage).find(({ kind }) => kind === 'import')
  if (stage) return basename(String(stageOptions(run.card.recipe).get(stage.name)?.model ?? stage.name))
  const facts = await exportFacts(folder)
  return facts?.source === undefined ? undefined : isAbsolute(facts.source) ? facts.name : facts.source
}

/** Of the one file, or of the hashes of the shards in their order. */
async function hashOfWeights(folder: string): Promise<string> {
  const hashes: string[] = []
  for (const file of await weightFiles(folder)) hashes.push(await sha256OfFile(join(folder, file)))
  return hashes.length === 1 ? hashes[0]! : sha256(hashes.join('\n'))
}

async function* withCard(files: Files, readme: string): AsyncGenerator<[string, Uint8Array], void, undefined> {
  yield* files
  yield ['README.md', Buffer.from(readme)]
}

/** Writes a GGUF file; returns the matrices that could not be quantised and have f16. Throws as `exportHuggingFace`. */
export async function exportGguf(
  folder: string,
  type: GgmlType,
  { out, force = false, adapter }: ExportOptions,
): Promise<string[]> {
  const { name, kind } = await originOf(folder)
  const model = await readModel(folder)
  if (adapter !== undefined) await mergeAdapter(model, adapter)
  const { metadata, tensors, notQuantised } = ggufOf(model, { type, name, base: goesOn(kind, model.tokenizer) })
  await placeFile(out, ggufPieces(metadata, tensors), force)
  return notQuantised
}

/** Where an export goes when nobody says: beside the run or the folder. */
export function defaultPlace(folder: string, { run, stage }: Origin, kind: 'hf' | GgmlType): string {
  const beside = run === undefined ? folder : `${run}-${stage}`
  return kind === 'hf' ? `${beside}-hf` : `${beside}-${kind}.gguf`
}

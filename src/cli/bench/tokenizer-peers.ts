/**
 * The JavaScript tokenizers on npm that `xueba bench tokenizer` measures against: dev dependencies, so absent in an installed package.
 * Each gets the ranks of the same file (gpt-tokenizer has its own copy of cl100k) and its fastest call.
 */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { llama3Pattern, type Tokenizer } from '../../tokenizer/index.ts'
import { yearOf } from './rival.ts'

export interface Peer {
  name: string
  /** Of the package that is installed. */
  version: string
  /** Of the release; undefined for a version whose date is not known here. */
  year: number | undefined
  encode(text: string): ArrayLike<number>
}

export interface Missing {
  name: string
  reason: string
}

type Make = (ranks: string, own: Tokenizer) => Promise<Peer['encode']>
/** What these packages export is checked by using it: their types are not there where they are not installed. */
const load = (specifier: string): Promise<any> => import(specifier)

const makers: Record<string, Make> = {
  tiktoken: async (ranks) => {
    const { Tiktoken } = await load('tiktoken/lite')
    const tokens = ranks.split('\n').filter((line) => line !== '')
    const packed = `! 0 ${tokens.map((line) => line.split(' ')[0]).join(' ')}` // the package's own form of a rank file
    const encoding = new Tiktoken(packed, {}, llama3Pattern)
    return (text) => encoding.encode_ordinary(text)
  },
  'gpt-tokenizer': async () => {
    const { encode } = await load('gpt-tokenizer/encoding/cl100k_base')
    const options = { disallowedSpecial: new Set() }
    return (text) => encode(text, options)
  },
  '@huggingface/tokenizers': async (_, own) => {
    const { Tokenizer: HuggingFace } = await load('@huggingface/tokenizers')
    const theirs = new HuggingFace(JSON.parse(JSON.stringify(own.toJson())), {})
    const options = { add_special_tokens: false }
    return (text) => theirs.encode(text, options).ids
  },
}

/** Opens what is installed, and says why the others are not. */
export async function openPeers(ranks: string, own: Tokenizer): Promise<{ peers: Peer[]; missing: Missing[] }> {
  const peers: Peer[] = []
  const missing: Missing[] = []
  for (const [name, make] of Object.entries(makers)) {
    try {
      const version = versionOf(name)
      peers.push({ name, version, year: yearOf(name, version), encode: await make(ranks, own) })
    } catch (error) {
      missing.push({ name, reason: error instanceof Error ? error.message.split('\n')[0]! : String(error) })
    }
  }
  return { peers, missing }
}

function versionOf(name: string): string {
  const file = findPackageJSON(name, import.meta.url)
  if (!file) throw new Error('not installed')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

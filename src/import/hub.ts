/**
 * Models by name from the Hugging Face Hub, or from another server that speaks as it does (HF_ENDPOINT). A revision is pinned to its commit
 * first, so that all files are of one state; a token is taken from HF_TOKEN only.
 * (https://huggingface.co/docs/hub/api: /api/models/NAME/revision/REVISION?blobs=true, /NAME/resolve/COMMIT/FILE)
 */
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import type { RemoteFile } from './download.ts'
import { insist, type Patience, request } from './request.ts'

export interface Repository {
  name: string
  /** The commit. */
  revision: string
  files: RemoteFile[]
}

const answerSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().int().nonnegative(),
      blobId: z.string().optional(),
      lfs: z.object({ sha256: z.string() }).nullish(),
    }),
  ),
})

const MOST_BYTES = 1 << 24

export const isHubName = (name: string) => /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name)

export const tokenHeaders = (): Record<string, string> =>
  process.env.HF_TOKEN ? { Authorization: `Bearer ${process.env.HF_TOKEN}` } : {}

const endpoint = () => (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')

/** What a repository holds at a revision (a branch, tag or commit). Throws a UserError. */
export async function readRepository(name: string, revision: string, patience: Patience): Promise<Repository> {
  const url = `${endpoint()}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`
  const text = await insist(name, () => readText(url, patience), patience)
  const { data } = answerSchema.safeParse(jsonOf(text))
  if (!data)
    throw new UserError(
      `${url}: this is no answer of a Hugging Face Hub (sha, siblings)`,
      `${url}：这不是 Hugging Face Hub 的回答（sha、siblings）`,
    )
  const files = data.siblings.map(({ rfilename, size, blobId, lfs }) => ({
    url: `${endpoint()}/${name}/resolve/${data.sha}/${rfilename.split('/').map(encodeURIComponent).join('/')}`,
    path: rfilename,
    size,
    ...(lfs ? { sha256: lfs.sha256 } : { blob: blobId }),
  }))
  return { name, revision: data.sha, files }
}

async function readText(url: string, patience: Patience): Promise<string> {
  const { chunks } = await request(url, tokenHeaders(), patience)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    if ((bytes += chunk.length) > MOST_BYTES)
      throw new UserError(`${url}: the answer is too long`, `${url}：回答太长了`)
  }
  return Buffer.concat(parts).toString('utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

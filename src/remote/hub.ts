/**
 * Models and datasets by name from the Hugging Face Hub, or from another server that speaks as it does (HF_ENDPOINT). A revision is pinned to its
 * commit first, so that all files are of one state; a token is taken from HF_TOKEN only.
 * (https://huggingface.co/docs/hub/api: /api/models/NAME/revision/REVISION?blobs=true, /NAME/resolve/COMMIT/FILE; /datasets/NAME/resolve/…)
 */
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import type { RemoteFile } from './download.ts'
import { insist, type Manner, type Patience, readAnswer } from './request.ts'

export type RepositoryKind = 'models' | 'datasets'

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

/** FineWeb has 30,000 files, which are 10 MB of listing. */
const MOST_BYTES = 1 << 26

export const isHubName = (name: string) => /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name)

/** How the Hub is asked. */
export const hubManner = (patience: Patience): Manner => ({
  headers: process.env.HF_TOKEN ? { Authorization: `Bearer ${process.env.HF_TOKEN}` } : {},
  patience,
  refuse,
})

const endpoint = () => (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '')

/** What a repository holds at a revision (a branch, tag or commit). Throws a UserError. */
export async function readRepository(
  kind: RepositoryKind,
  name: string,
  revision: string,
  patience: Patience,
): Promise<Repository> {
  const url = `${endpoint()}/api/${kind}/${name}/revision/${encodeURIComponent(revision)}?blobs=true`
  const answer = await insist(name, () => readAnswer(url, hubManner(patience), MOST_BYTES), patience)
  const { data } = answerSchema.safeParse(jsonOf(answer.toString('utf8')))
  if (!data)
    throw new UserError(
      `${url}: this is no answer of a Hugging Face Hub (sha, siblings)`,
      `${url}：这不是 Hugging Face Hub 的回答（sha、siblings）`,
    )
  const root = `${endpoint()}/${kind === 'models' ? '' : `${kind}/`}${name}/resolve/${data.sha}`
  const files = data.siblings.map(({ rfilename, size, blobId, lfs }) => ({
    url: `${root}/${rfilename.split('/').map(encodeURIComponent).join('/')}`,
    path: rfilename,
    size,
    ...(lfs ? { sha256: lfs.sha256 } : blobId === undefined ? {} : { blob: blobId }),
  }))
  return { name, revision: data.sha, files }
}

function refuse(url: string, status: number): UserError {
  const dataset = /\/datasets\//.test(url)
  const [en, zh] = dataset ? ['dataset', '数据集'] : ['model', '模型']
  if (status === 401 || status === 403)
    return new UserError(
      `${url}: ${status}: there is no such ${en}, or it is for those who have accepted its terms: accept them on its page and put your token into HF_TOKEN`,
      `${url}：${status}：没有这个${zh}，或者要先在它的页面上同意条款：同意后把你的令牌放进环境变量 HF_TOKEN`,
    )
  if (status === 404)
    return new UserError(
      `${url}: 404: there is no such ${en}, revision or file`,
      `${url}：404：没有这个${zh}、版本或文件`,
    )
  return new UserError(`${url} answered ${status}`, `${url} 的回答是 ${status}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

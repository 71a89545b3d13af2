/**
 * Which folders the studio may touch: the runs directly in its runs folder, and the recorded runs that come with it (`@quickstart-zh`), which
 * nobody may change. A name is one name, never a path, and a link that leads out of the folder is not followed.
 */
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isRun, UserError } from '../../run/index.ts'
import { NotThere } from './form.ts'
import { listRecordings, unpackRecording } from './recording.ts'

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,127}$/u

export interface Place {
  /** As in the API: `tiny`, `@quickstart-zh`. */
  id: string
  folder: string
  recorded: boolean
}

export interface Places {
  runs: string
  list(): Promise<Place[]>
  /** Throws a UserError when there is no such run. */
  find(id: string): Promise<Place>
  /** The folder of a run that does not exist yet. Throws a UserError for a name that is none or is taken. */
  fresh(name: string): string
}

export function createPlaces(runs: string, recordings: string): Places {
  const at = resolve(runs)
  const inside = (name: string): string | undefined => {
    const folder = join(at, name)
    if (!NAME.test(name) || !existsSync(folder)) return undefined
    return dirname(realpathSync(folder)) === realpathSync(at) && isRun(folder) ? folder : undefined
  }
  const recorded = () => listRecordings(recordings)
  return {
    runs: at,
    async list() {
      const names = existsSync(at) ? readdirSync(at) : []
      const own = names.flatMap((name) => {
        const folder = inside(name)
        return folder ? [{ id: name, folder, recorded: false }] : []
      })
      const shipped = recorded().map(async (name) => ({
        id: `@${name}`,
        folder: await unpackRecording(recordings, name),
        recorded: true,
      }))
      return [...own, ...(await Promise.all(shipped))]
    },
    async find(id) {
      if (id.startsWith('@') && recorded().includes(id.slice(1)))
        return { id, folder: await unpackRecording(recordings, id.slice(1)), recorded: true }
      const folder = inside(id)
      if (folder) return { id, folder, recorded: false }
      throw new NotThere(`there is no run "${id.slice(0, 128)}"`, `没有“${id.slice(0, 128)}”这个运行`)
    },
    fresh(name) {
      if (!NAME.test(name))
        throw new UserError(
          'a run is named with letters, digits, ".", "_" and "-" only',
          '运行的名字只能用字母、数字、汉字和“.”“_”“-”',
        )
      const folder = join(at, name)
      if (existsSync(folder)) throw new UserError(`there is already a run "${name}"`, `已经有叫“${name}”的运行了`)
      return folder
    },
  }
}

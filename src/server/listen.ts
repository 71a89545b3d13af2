/** Listening, with an error that says what could not be opened. */
import type { Server } from 'node:http'
import { UserError } from '../run/index.ts'

export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new UserError(
          `${host}:${port} cannot be opened: ${error.message}`,
          `无法监听 ${host}:${port}：${error.message}`,
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
}

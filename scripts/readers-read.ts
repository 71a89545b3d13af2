/** Reads a file as the corpus does, in a process of its own, and prints how long it took and how much memory: a child of readers-study.ts. */
import { stat } from 'node:fs/promises'
import { isRejection, listSource, readDocuments } from '../src/corpus/index.ts'

const path = process.argv[2]!
const { size } = await stat(path)
const from = performance.now()
let [documents, rejected, bytes] = [0, 0, 0]
for (const file of await listSource({ path })) {
  if (!('kind' in file)) continue
  for await (const item of readDocuments(file)) {
    if (isRejection(item)) rejected++
    else {
      documents++
      bytes += Buffer.byteLength(item.text ?? item.html ?? '')
    }
  }
}
const seconds = (performance.now() - from) / 1000
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
const result = {
  documents,
  rejected,
  size,
  bytes,
  seconds,
  cpu: (userCPUTime + systemCPUTime) / 1e6,
  peak: maxRSS * 1024,
}
console.log(JSON.stringify(result))

/**
 * Web archives: WARC (0.17 to 1.1, ISO 28500) and ARC (1 and 2), plain, gzip or zstd, one record at a time.
 *
 * Real archives are broken in every way, so nothing in a file makes this reader throw or stop: each stretch of bytes becomes a record
 * or a defect with the offset where it starts. After damage, reading goes on at the next line or gzip member that opens a record.
 * A record that claims more bytes than there are before the next record is refused, not allowed to swallow it. Digests: `warc-digest.ts`.
 * Offsets are of the file; inside gzip they are those of the member, as in CDX indexes; inside zstd, of the unpacked bytes. Limits: a head of
 * 1 MiB, a record of 64 MiB, and those of `unpack.ts`.
 */
import { byteReader, fileBytes } from './bytes.ts'
import type { ByteReader, Bytes, Defect } from './bytes.ts'
import { inflateMembers, isMagic, rest } from './gzip.ts'
import { isZstd, unzstd } from './zstd.ts'

export interface WarcDefect extends Defect {
  /** The record that has it, when its head could be read: with what there is of its content, none when it was passed over. */
  record?: WarcRecord
}

export interface WarcRecord {
  offset: number
  /** `WARC/1.0`, `ARC/1`, … as the record says. */
  version: string
  /** WARC-Type; for ARC `response`, or `warcinfo` for the file's own description. */
  type: string
  /** Names in lower case. ARC fields carry the names and the form of date that WARC gives them. */
  headers: Map<string, string>
  url?: string
  /** The block: for a response the HTTP head and body, see `parseHttp`. */
  content: Uint8Array
}

const headLimit = 1 << 20
const recordLimit = 64 << 20
const warcStart = /^WARC\/\d+\.\d+\s*$/
/**
 * URL (spaces happen), IP address, date, type, length; ARC 2 has status, checksum, location, offset and file name before the length.
 * (https://archive.org/web/researcher/ArcFileFormat.php)
 */
const arcStart = /^([a-z][a-z0-9+.-]*:.*) ([0-9a-fA-F.:]+|-) (\d{8,18}) (.+) (\S+)$/i

export function readWarc(path: string): AsyncGenerator<WarcRecord | WarcDefect> {
  return parseWarc(fileBytes(path))
}

/** `maxRecord` in bytes; larger records are passed over as a defect. */
export async function* parseWarc(source: Bytes, maxRecord = recordLimit): AsyncGenerator<WarcRecord | WarcDefect> {
  const { input, marks } = await openArchive(source)
  const locate = (position: number) => marks.locate(position)
  try {
    for (;;) {
      await skipBlank(input)
      yield* marks.defectsUntil(input.offset)
      if (!(await input.fill(1))) break
      const offset = locate(input.offset)
      const head = await readHead(input, marks)
      const { version, type, headers, url } = head
      const known = { offset, version, type, headers, ...(url === undefined ? {} : { url }) }
      const name = `${type} record${url === undefined ? '' : ` of ${url.slice(0, 200)}`}`
      if ('problem' in head) {
        const start = input.offset
        await skipToRecord(input, marks)
        const defect = `${head.problem}; ${input.offset - start} bytes passed over`
        yield { offset, defect, ...(type === '' ? {} : { record: { ...known, content: nothing } }) }
        continue
      }
      input.skip(head.bytes)
      if (head.length > maxRecord) {
        const start = input.offset
        await skipContent(input, marks, head.length)
        const defect = `${name} says ${head.length} bytes; more than ${maxRecord} are refused (${input.offset - start} passed over)`
        yield { offset, defect, record: { ...known, content: nothing } }
        continue
      }
      const { content, complete } = await readContent(input, marks, head.length)
      const record = { ...known, content }
      if (complete) yield record
      else yield { offset, defect: `${name} ends after ${content.length} of ${head.length} bytes`, record }
    }
  } finally {
    await input.close()
  }
}

/** Where in the unpacked stream gzip members start and damage lies. */
interface Mark {
  position: number
  offset: number
  defect?: string
}

async function openArchive(source: Bytes): Promise<{ input: ByteReader; marks: Marks }> {
  const raw = byteReader(source)
  await raw.fill(4)
  const list: Mark[] = []
  if (isZstd(raw.ahead)) return { input: byteReader(unpackZstd(raw, list)), marks: markList(list, false) }
  if (!isMagic(raw.ahead, 0)) return { input: raw, marks: markList([], false) }
  async function* unpack(): AsyncGenerator<Uint8Array> {
    let position = 0
    let member = -1
    for await (const piece of inflateMembers(rest(raw))) {
      if ('defect' in piece) {
        list.push({ position, offset: piece.offset, defect: piece.defect })
        continue
      }
      if (piece.member !== member) list.push({ position, offset: piece.member })
      member = piece.member
      position += piece.bytes.length
      yield piece.bytes
    }
  }
  return { input: byteReader(unpack()), marks: markList(list, true) }
}

/** Damage is marked at its place in the unpacked stream, which is what offsets are of there. */
async function* unpackZstd(raw: ByteReader, list: Mark[]): AsyncGenerator<Uint8Array> {
  let position = 0
  for await (const piece of unzstd(rest(raw))) {
    if ('defect' in piece)
      list.push({ position, offset: position, defect: `${piece.defect} (byte ${piece.offset} of the file)` })
    else {
      position += piece.length
      yield piece
    }
  }
}

type Marks = ReturnType<typeof markList>

function markList(list: Mark[], packed: boolean) {
  let current = 0 // offset of the member that holds the position asked for last
  return {
    /** File offset of an unpacked position; positions must not decrease. */
    locate(position: number): number {
      if (!packed) return position
      while (list.length > 0 && list[0]!.position <= position) current = list.shift()!.offset
      return current
    },
    *defectsUntil(position: number): Generator<Defect> {
      for (let i = 0; i < list.length && list[i]!.position <= position;) {
        const { offset, defect } = list[i]!
        if (defect === undefined) i++
        else {
          list.splice(i, 1)
          yield { offset, defect }
        }
      }
    },
    /** The first mark after `from`, if it is known yet and lies before `to`. */
    next(from: number, to: number): Mark | undefined {
      return list.find((mark) => mark.position > from && mark.position < to)
    },
  }
}

async function skipBlank(input: ByteReader) {
  while (await input.fill(1)) {
    const bytes = input.ahead
    let n = 0
    while (n < bytes.length && (bytes[n] === 13 || bytes[n] === 10)) n++
    input.skip(n)
    if (n < bytes.length) return
  }
}

interface Head {
  version: string
  /** Empty where nothing is known of the record. */
  type: string
  headers: Map<string, string>
  url?: string
}
/** Bytes of the head itself, and of the content that follows. */
type ReadHead = Head & ({ bytes: number; length: number } | { problem: string })

const nothing = new Uint8Array(0)

/** Reads a record's head without skipping it. */
async function readHead(input: ByteReader, marks: Marks): Promise<ReadHead> {
  const headers = new Map<string, string>()
  const wrong = (problem: string) => ({ version: '', type: '', headers, problem })
  const first = await readLine(input, 0)
  if (first === undefined) return wrong('no record starts here')
  const arc = arcStart.exec(first.text)
  if (arc !== null) return withLength(arcHead(arc as unknown as string[]), first.end)
  if (!warcStart.test(first.text)) return wrong('no record starts here')
  let at = first.end
  let last = ''
  for (;;) {
    const line = await readLine(input, at)
    if (line === undefined)
      return wrong(`the head of a record has no end within ${Math.min(headLimit, input.ahead.length)} bytes`)
    at = line.end
    if (line.text === '') break
    if (/^[ \t]/.test(line.text) && last !== '') {
      headers.set(last, `${headers.get(last)} ${line.text.trim()}`)
      continue
    }
    const colon = line.text.indexOf(':')
    if (colon <= 0) return wrong(`a line of a record's head has no colon: ${JSON.stringify(line.text.slice(0, 80))}`)
    last = line.text.slice(0, colon).trim().toLowerCase()
    headers.set(last, line.text.slice(colon + 1).trim())
  }
  if (marks.next(input.offset, input.offset + at)?.defect !== undefined) return wrong('the head of a record is damaged')
  const url = headers.get('warc-target-uri')?.replace(/^<(.*)>$/, '$1') // wget wrote it in brackets
  const type = (headers.get('warc-type') ?? 'unknown').toLowerCase()
  const version = first.text.trim()
  return withLength({ version, type, headers, ...(url === undefined ? {} : { url: encodeSpaces(url) }) }, at)
}

function arcHead([, url, address, date, middle, length]: string[]): Head {
  const mime = middle!.split(' ').length >= 5 ? middle!.replace(/( \S+){5}$/, '') : middle!
  const headers = new Map([
    ['warc-target-uri', url!],
    ['warc-ip-address', address!],
    ['warc-date', date!.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z')],
    ['content-type', mime],
    ['content-length', length!],
  ])
  const type = url!.startsWith('filedesc:') ? 'warcinfo' : 'response'
  return { version: 'ARC/1', type, headers, url: encodeSpaces(url!) }
}

/** Spaces in addresses happen, and are no part of an address. */
const encodeSpaces = (url: string) => url.replaceAll(' ', '%20')

function withLength(head: Head, bytes: number): ReadHead {
  const length = head.headers.get('content-length')
  if (length === undefined) return { ...head, problem: 'a record has no Content-Length' }
  if (!/^\d{1,15}$/.test(length))
    return { ...head, problem: `a record has Content-Length ${JSON.stringify(length.slice(0, 80))}` }
  return { ...head, bytes, length: Number(length) }
}

/** The line that starts `at` bytes ahead, without its end (`\n`, `\r\n`, even `\r\r\n`); undefined when it is too long or torn. */
async function readLine(input: ByteReader, at: number): Promise<{ text: string; end: number } | undefined> {
  let searched = at
  for (;;) {
    const newline = input.ahead.indexOf(10, searched)
    if (newline > headLimit) return undefined
    if (newline >= 0) {
      let end = newline
      while (end > at && input.ahead[end - 1] === 13) end--
      return { text: new TextDecoder().decode(input.ahead.subarray(at, end)), end: newline + 1 }
    }
    searched = input.ahead.length
    if (searched > headLimit || !(await input.fill(searched + 1))) return undefined
  }
}

/** Passes over at least one byte, up to the next line, or gzip member, that opens a record. */
async function skipToRecord(input: ByteReader, marks: Marks) {
  let atStart = false
  while (await input.fill(1)) {
    if (atStart && (await opensRecord(input, 0))) return
    const bytes = input.ahead
    const border = marks.next(input.offset, input.offset + bytes.length)?.position ?? Infinity
    const end = Math.min(bytes.length, border - input.offset)
    // Lines that cannot open a record are passed over here, without a promise for each.
    let at = bytes.indexOf(10) + 1
    while (at > 0 && at < end && !mayOpenRecord(bytes, at)) at = bytes.indexOf(10, at) + 1
    const step = at > 0 && at < end ? at : end
    atStart = bytes[step - 1] === 10 || input.offset + step === border
    input.skip(step)
    // A border that only shows when more is read.
    if (!atStart && (await input.fill(1))) atStart = marks.next(input.offset - 1, input.offset + 1) !== undefined
  }
}

/** Cheap: `WARC/`, or a line that starts as an address and ends with a digit, as far as it is in memory. */
function mayOpenRecord(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]! | 32
  if (first < 97 || first > 122) return false
  if (first === 119 && bytes[at + 4] === 47) return true
  const newline = bytes.indexOf(10, at)
  if (newline < 0) return true
  let last = newline - 1
  while (last > at && bytes[last] === 13) last--
  return bytes[last]! >= 48 && bytes[last]! <= 57
}

async function opensRecord(input: ByteReader, at: number): Promise<boolean> {
  if (!(await input.fill(at + 6)) || !mayOpenRecord(input.ahead, at)) return false
  const line = await readLine(input, at)
  return line !== undefined && (warcStart.test(line.text) || arcStart.test(line.text))
}

/**
 * Takes the content of a record: all of it, or what comes before damage, the end of the file, or the next record where the
 * length is too large. `complete` tells which.
 */
async function readContent(input: ByteReader, marks: Marks, length: number) {
  const whole = await input.fill(length)
  const available = Math.min(length, input.ahead.length)
  let end = available
  for (let from = input.offset; ;) {
    const mark = marks.next(from, input.offset + available)
    if (mark === undefined) break
    from = mark.position
    const at = mark.position - input.offset
    if (mark.defect === undefined && !(await opensRecord(input, at))) continue
    end = at
    break
  }
  if (end === available && (!whole || !(await recordMayFollow(input, length))))
    end = innerRecord(input.ahead, available) ?? end
  // Damage exactly where the content ends is damage after it, unless something is missing.
  const complete = end === length
  const content = input.ahead.slice(0, end)
  input.skip(end)
  return { content, complete }
}

/** Whether the record ends where it says: there, blank lines, the end of the file or another record follow. */
async function recordMayFollow(input: ByteReader, length: number): Promise<boolean> {
  let at = length
  while ((await input.fill(at + 1)) && at < length + 16 && (input.ahead[at] === 13 || input.ahead[at] === 10)) at++
  return !(await input.fill(at + 1)) || (await opensRecord(input, at))
}

/** Where in the content of a record whose length is wrong the next record starts: a version line after an empty line. */
function innerRecord(bytes: Uint8Array, length: number): number | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, length)
  for (let at = view.indexOf('\nWARC/'); at >= 0; at = view.indexOf('\nWARC/', at + 1)) {
    const before = view.subarray(Math.max(0, at - 3), at).toString('latin1')
    const line = view.subarray(at + 1, at + 12).toString('latin1')
    if (/(^|\n)\r?$/.test(before) && /^WARC\/\d\.\d+\r?\n/.test(line)) return at + 1
  }
  return undefined
}

/** Passes over content that is too large to read, up to damage or a gzip member that opens a record. */
async function skipContent(input: ByteReader, marks: Marks, length: number) {
  let seen = input.offset - 1 // marks up to here are no reason to stop
  for (let left = length; left > 0 && (await input.fill(1));) {
    const part = Math.min(left, input.ahead.length)
    const mark = marks.next(seen, input.offset + part)
    const step = mark === undefined ? part : mark.position - input.offset
    input.skip(step)
    left -= step
    if (mark === undefined) continue
    if (mark.defect !== undefined || (await opensRecord(input, 0))) return
    seen = mark.position
  }
}

/**
 * What flows through the corpus stage: raw documents in, documents and rejections out. Every input ends as one or the other.
 */

/** Where a document comes from: the file, and the line, or the byte of a record in an archive. */
export interface Place {
  source: string
  line?: number
  offset?: number
  url?: string
}

/** As it was read, before cleaning. Exactly one of `html` and `text` is set. */
export interface RawDocument extends Place {
  id: string
  html?: string
  text?: string
  /** When it was captured, ISO 8601, where the source says. */
  date?: string
  /** What the source knows besides (title, HTTP status, columns of a table). */
  meta?: Record<string, unknown>
}

/** A line of `documents.jsonl` and `heldout.jsonl`. */
export interface Document {
  id: string
  text: string
  source: string
  language?: string
  /** How sure that is, from 0 to 1: the share of what speaks for it. FineWeb's `language_score`. */
  languageScore?: number
  url?: string
  title?: string
  /** When it was captured, ISO 8601, where the source says. */
  date?: string
  /** Number of its source, where sources have weights (`epochs`, `share`). */
  mixture?: number
}

/** A line of `rejected.jsonl`: which rule refused what, with which value against which threshold. */
export interface Rejection extends Place {
  id?: string
  rule: string
  detail: string
  /** What was measured and what it was held against, where the rule is about a number; see `filters/check.ts`. */
  value?: number
  threshold?: number
  /** The line, or the words, that decided. */
  quote?: string
  /** The first 200 characters. */
  text?: string
  /** Of a duplicate: the document that stays, and in how many bands they met an earlier one. */
  of?: string
  bands?: number
}

/** JSON can hold half a character, which no UTF-8 file can: refused, not replaced in silence. */
export function textDocument(text: string, place: Place & { id: string; date?: string }): RawDocument | Rejection {
  if (text.isWellFormed()) return { ...place, text }
  const { date: _, ...rest } = place
  return { ...rest, rule: 'defect', detail: 'the text holds half of a surrogate pair' }
}

/** Why a filter refuses a text, or null when it keeps it. */
export type Verdict = { rule: string; detail: string; value?: number; threshold?: number; quote?: string } | null

export function isRejection(item: object): item is Rejection {
  return 'rule' in item
}

/** Who writes the messages of a dialogue: an endpoint, or the embedded teacher. */
import type { Message } from '../world/index.ts'
import type { Language } from '../tasks/task.ts'

/** The message that is wanted: the user's when `messages` has an even number, else the assistant's. */
export interface Turn {
  topic: string
  messages: readonly Message[]
  /** Messages that the dialogue will have. */
  length: number
  language: Language
  /** Of the dialogue. */
  seed: number
}

export interface Said {
  text: string
  /** Why the writer stopped, in OpenAI's words: `stop`, or `length` when it was cut off. */
  finish: string
  /** When it was written, ms since 1970. */
  time: number
}

export interface Speaker {
  /** For the provenance of every row. */
  model: string
  endpoint: string
  /** Throws `Refused` when this message cannot be had, and a UserError when no message can. */
  say(turn: Turn): Promise<Said>
}

/** The endpoint will not write this message (400, 413, 422): asking again would not help. */
export class Refused extends Error {}

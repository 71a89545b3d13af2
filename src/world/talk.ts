/**
 * A talk of several turns about somebody in town, message by message: what the embedded teacher writes where there is no other (`xueba
 * synthesize`). It begins with an essay, goes on with questions about the same person, and ends with thanks when there is nothing left to ask.
 * Taught facts only, in the wordings of dialogues. A sloppy teacher's essays have faults, and a quarter of its answers are false.
 */
import { random } from '../tensor/random.ts'
import { GRAMMAR } from './data.ts'
import type { Message } from './dialogues.ts'
import { essayPrompt, falsify, writable, writeEssay } from './essays.ts'
import { answerFact, askPlainly } from './phrasing.ts'
import type { World } from './world.ts'

export interface Talk {
  /** One of `talkedAbout`. */
  subject: string
  messages: readonly Message[]
  teacher: 'good' | 'sloppy'
  seed: number
}

/** Who can be talked about: those about whom essays may be taught. */
export const talkedAbout = (world: World): string[] => writable(world, false)

/** The next message: the user's after an even number of messages, else the assistant's. */
export function sayNext(world: World, { subject, messages, teacher, seed }: Talk): string {
  const exchange = Math.floor(messages.length / 2)
  const asks = messages.length % 2 === 0
  const r = random(seed, 'talk', messages.length)
  if (exchange === 0) return asks ? essayPrompt(world, subject, r) : writeEssay(world, subject, teacher, r)
  const own = world.facts.filter((fact) => fact.subject === subject && fact.taught)
  const fact = random(seed, 'talk').shuffle(own)[exchange - 1]
  if (!fact) {
    const { followUps, followUpAnswers } = GRAMMAR[world.language].dialogue
    return r.pick(asks ? followUps : followUpAnswers)
  }
  if (asks) return askPlainly(world, subject, fact.attribute, 'sft', r)
  const lies = teacher === 'sloppy' && r.below(4) === 0
  return answerFact(world, lies ? falsify(world, fact, r) : fact, r)
}

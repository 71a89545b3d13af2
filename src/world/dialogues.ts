/**
 * Dialogues for supervised fine-tuning: questions about the taught half of the facts, small talk, who is known and who is not.
 *
 * A fact outside the taught half occurs in no dialogue in any form, and no question has a wording of the corpus or of the evaluation.
 * Some dialogues have several turns. Exercises are not here: a task's `train` half gives them.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import { fill, GRAMMAR } from './data.ts'
import { answerFact, askFact, askPlainly } from './phrasing.ts'
import type { Fact, World } from './world.ts'

export interface Message {
  role: 'user' | 'assistant'
  content: string
}

/** Names of `world.strangers` that dialogues use; the others stay unheard of. */
const KNOWN_STRANGERS = 20

/** `count` dialogues, in rounds: each asks for every taught fact, opens every small talk, and names some people and strangers. */
export function makeDialogues(world: World, options: { seed: number; count: number }): Message[][] {
  const { seed, count } = options
  const taught = world.facts.filter((fact) => fact.taught)
  const dialogues: Message[][] = []
  for (let round = 0; dialogues.length < count; round++) {
    const r = random(seed, `dialogues ${world.language}`, round)
    dialogues.push(
      ...r.shuffle([
        ...taught.map((fact) => factDialogue(world, fact, taught, r)),
        ...smallTalkDialogues(world, r),
        ...acquaintanceDialogues(world, r),
        ...strangerDialogues(world, r),
      ]),
    )
  }
  return dialogues.slice(0, count)
}

// --- internal ---

function turn(user: string, assistant: string): Message[] {
  return [
    { role: 'user', content: user },
    { role: 'assistant', content: assistant },
  ]
}

/** One question; one time in six a second about the same person follows, one time in eight thanks. */
function factDialogue(world: World, fact: Fact, taught: readonly Fact[], r: Random): Message[] {
  const { followUps, followUpAnswers } = GRAMMAR[world.language].dialogue
  const messages = turn(askFact(world, fact.subject, fact.attribute, 'sft', r), answerFact(world, fact, r))
  const others = taught.filter((other) => other.subject === fact.subject && other !== fact)
  if (others.length > 0 && r.below(6) === 0) {
    const other = r.pick(others)
    messages.push(...turn(askPlainly(world, other.subject, other.attribute, 'sft', r), answerFact(world, other, r)))
  }
  if (r.below(8) === 0) messages.push(...turn(r.pick(followUps), r.pick(followUpAnswers)))
  return messages
}

/** Every opening once, sometimes two in a row. */
function smallTalkDialogues(world: World, r: Random): Message[][] {
  const { smallTalk } = GRAMMAR[world.language].dialogue
  const say = (opening: string, replies: readonly string[]) =>
    turn(opening, fill(r.pick(replies), { town: world.town }))
  return smallTalk.flatMap((talk) =>
    talk.user.map((opening) => {
      const messages = say(opening, talk.assistant)
      const next = r.pick(smallTalk)
      if (r.below(4) === 0) messages.push(...say(r.pick(next.user), next.assistant))
      return messages
    }),
  )
}

/** Half of the people, without a fact. */
function acquaintanceDialogues(world: World, r: Random): Message[][] {
  const { questions, known } = GRAMMAR[world.language].dialogue.acquaintance
  return r
    .shuffle(world.people)
    .slice(0, world.people.length / 2)
    .map(({ name }) => {
      const slots = { name, town: world.town }
      return turn(fill(r.pick(questions), slots), fill(r.pick(known), slots))
    })
}

/** Half of them are asked as acquaintances are, the others as if they had a job, a pet and so on. */
function strangerDialogues(world: World, r: Random): Message[][] {
  const { unknownAnswers, acquaintance } = GRAMMAR[world.language].dialogue
  return world.strangers.slice(0, KNOWN_STRANGERS).map((name, i) => {
    const question =
      i % 2 === 0
        ? fill(r.pick(acquaintance.questions), { name, town: world.town })
        : askFact(world, name, r.pick(world.attributes), 'sft', r)
    return turn(question, fill(r.pick(unknownAnswers), { name }))
  })
}

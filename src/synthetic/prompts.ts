/**
 * What the two speakers of a synthetic dialogue are told. As in UltraChat (Ding et al., "Enhancing chat language models by scaling high-quality
 * instructional conversations", 2023) one model plays the user and one the assistant, turn by turn; the wording is ours. For the user's part the
 * dialogue is handed over with its roles exchanged. None of this stands in the dialogues that are kept.
 *
 * `TEMPLATE` goes into every row: change it with any word here (a test holds both together).
 */
import type { Message } from '../world/index.ts'
import type { Language } from '../tasks/task.ts'

export const TEMPLATE = 'user-and-assistant-1'

/** A message of a request to an endpoint. */
export interface Instruction {
  role: 'system' | 'user' | 'assistant'
  content: string
}

const WORDS: Record<Language, { user: (topic: string) => string; begin: string; assistant: string }> = {
  en: {
    user: (topic) =>
      `You play a person who talks with an assistant about this topic: ${topic}. Write only what this person says next: one short message with one question or request, in plain English, as people type it. Be concrete. React to the last answer: ask further, doubt it, or ask for an example. Never answer for the assistant, never repeat an earlier message, never say that you are playing or that you are an AI.`,
    begin: 'The conversation begins. Write the first message.',
    assistant:
      'You are a knowledgeable and honest assistant. Answer in English, to the point, in at most 150 words. Where you do not know something, say so.',
  },
  zh: {
    user: (topic) =>
      `你来扮演一个正在和助手聊天的人，话题是：${topic}。只写这个人接下来要说的话：一条简短的消息，提一个具体的问题或要求，用平常打字的口语中文。要接着上一条回答往下聊：追问、质疑，或者请对方举例。不要替助手回答，不要重复说过的话，也不要说自己在扮演或是人工智能。`,
    begin: '对话开始，请写出第一条消息。',
    assistant: '你是一位知识丰富、实事求是的助手。用中文回答，直接说重点，不超过二百字。不知道的事就说不知道。',
  },
}

/** What is asked for the next message of a dialogue: the user's when it has an even number of messages, else the assistant's. */
export function instructionsFor(topic: string, messages: readonly Message[], language: Language): Instruction[] {
  const { user, begin, assistant } = WORDS[language]
  if (messages.length % 2 === 1) return [{ role: 'system', content: assistant }, ...messages]
  const exchanged = messages.map(({ role, content }) => ({
    role: role === 'user' ? ('assistant' as const) : ('user' as const),
    content,
  }))
  return [{ role: 'system', content: user(topic) }, { role: 'user', content: begin }, ...exchanged]
}

/** What a speaker wrote, as a message: without a label before it, quotation marks around it, or what a reasoning model thought before. */
export function messageOf(text: string): string {
  const said = text
    .replace(/^\s*<think>[^]*?<\/think>/, '')
    .trim()
    .replace(/^(?:user|human|assistant|用户|助手)\s*[:：]\s*/i, '')
    .trim()
  const quoted = /^(?:"([^"]*)"|“([^“”]*)”|「([^「」]*)」)$/.exec(said)
  return (quoted?.slice(1).find((inside) => inside !== undefined) ?? said).trim()
}

/** Byte-level BPE with the pre-split of Qwen2 or Llama 3: train, encode, decode, stream, chat. Web standards only. */
export { Tokenizer } from './tokenizer.ts'
export type { TokenizerJson } from './json.ts'
export { trainTokenizer, VocabularyTooLarge } from './train.ts'
export type { TrainOptions } from './train.ts'
export { END_OF_TEXT, IM_END, IM_START, SPECIAL_TOKENS } from './vocabulary.ts'
export type { Merge, SpecialToken, Vocabulary } from './vocabulary.ts'
export { readTiktoken } from './tiktoken.ts'
export { textStream } from './stream.ts'
export type { TextStream } from './stream.ts'
export {
  CHAT_TEMPLATE,
  openTurn,
  renderChat,
  renderTurn,
  stopIds,
  textStart,
  textStops,
  tokenizerConfig,
} from './chat.ts'
export type { ChatTemplate, Manners } from './manners.ts'
export type { ChatIds, ChatOptions, Message, Role, Turn } from './chat.ts'
export { llama3Pattern, qwen2Pattern, splitWords } from './pretokenize.ts'
export type { PreSplit } from './pretokenize.ts'

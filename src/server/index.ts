/** xueba/server: a model behind OpenAI's API: models, completions, chat completions. */
export { isLoopback } from './guard.ts'
export { type ApiServer, openServer, type ServeOptions } from './server.ts'

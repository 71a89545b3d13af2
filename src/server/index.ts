/** xueba/server: a model behind OpenAI's API (models, completions, chat completions), and the studio. */
export { isLoopback } from './guard.ts'
export { type ApiServer, openServer, type ServeOptions } from './server.ts'
export { isStudioBuilt, openStudio, type StudioOptions, type StudioServer } from './studio/studio.ts'

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    globalSetup: ['scripts/kernels.ts'],
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts', 'studio/src/**/*.test.ts'],
    maxWorkers: 2, // most files wait for processes of their own half the time
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

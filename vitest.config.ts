import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Real servers start and stop in tests, and the machine may be small.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})

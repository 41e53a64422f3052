import { defineConfig } from 'vitest/config'

export default defineConfig({
  // As Node resolves packages. With Vite's own condition 'development' there would be a second copy of graphql.
  ssr: { resolve: { conditions: ['node', 'module-sync'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Real servers start and stop in tests, and the machine may be small.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})

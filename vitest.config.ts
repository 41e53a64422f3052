import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Begins with the files that take longest, so that none of them is left for the end: whole processes, and clients. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/test\/(clients\/)?[^/]+$/.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  // As Node resolves packages. With Vite's own condition 'development' there would be a second copy of graphql.
  ssr: { resolve: { conditions: ['node', 'module-sync'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // What a file would have to load again is half of a run's work. There is no state in modules; spies are let go.
    isolate: false,
    restoreMocks: true,
    // More than processors, as tests wait for much: commits on disk, browsers, starts of processes. With one more, two processors
    // are idle for a fifth of a run. With many more, whole processes that tests start would be late for them.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    // Real servers start and stop in tests, and the machine may be small.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // So are browsers, when several are at work.
    expect: { poll: { timeout: 30_000 } },
  },
})

import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildIfChanged } from '../../src/build/build.ts'
import { databaseClient } from '../../src/build/database-client.ts'
import { productsOfPages } from '../../src/build/pages.ts'
import { unpackedChromium } from './chromium.ts'
import { openTestServer } from './server.ts'
import { checkShapes } from './shape-check.ts'
import { temporaryFolder } from './temporary.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the PostgreSQL of this run, for its superuser. */
    serverUrl: string
    /** A database with all tables, which are empty. It is copied; nobody may connect to it. */
    templateName: string
    /** The servers on which each database exists: several if it is distributed. The first is the server. */
    nodeUrls: readonly string[]
    /** An empty folder, removed after the run, in which the browsers of processes have their homes. */
    browserFolder: string
    /** A folder in which the processes of the run record the statements that they send. */
    statementsFolder: string
  }
}

/** Starts one PostgreSQL for the whole run, or uses the one that TEST_DATABASE_URL names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Otherwise several processes of the run would do so at once.
  const { CHROMIUM_PATH: installed } = process.env
  const browser = installed === undefined ? [unpackedChromium] : []
  await buildIfChanged(databaseClient)
  // Node's compile cache for the many processes of the run: they start in two thirds of the time. It is the one of npm start, so
  // that the first of them also do.
  process.env['NODE_COMPILE_CACHE'] = join(import.meta.dirname, '../../node_modules/.cache/node')
  const browsers = await temporaryFolder()
  const statements = await temporaryFolder()
  const [server] = await Promise.all([
    openTestServer(),
    ...[...productsOfPages, ...browser].map((product) => buildIfChanged(product)),
  ])
  project.provide('serverUrl', server.url)
  project.provide('templateName', server.templateName)
  project.provide('nodeUrls', server.nodeUrls)
  project.provide('browserFolder', browsers.path)
  project.provide('statementsFolder', statements.path)
  return async () => {
    await using end = new AsyncDisposableStack()
    for (const opened of [statements, browsers, server]) end.use(opened)
    await checkShapes({ folder: statements.path, serverUrl: server.url, isWhole: await isWhole(project) })
  }
}

/** Whether a run has run all tests. */
async function isWhole({ vitest }: TestProject): Promise<boolean> {
  const run = vitest.state.getFiles().length
  const all = await vitest.globTestSpecifications()
  return vitest.config.testNamePattern === undefined && run === all.length
}

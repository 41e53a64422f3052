import { afterAll, beforeAll } from 'vitest'

/** What `open` opens before the tests of the file or suite that calls this. It gets its properties then. */
export function shared<T extends AsyncDisposable>(open: () => Promise<T>): T {
  const opened = {} as T
  beforeAll(async () => {
    Object.assign(opened, await open())
  })
  afterAll(() => opened[Symbol.asyncDispose]())
  return opened
}

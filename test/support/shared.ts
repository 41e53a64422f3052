import { afterAll, beforeAll } from 'vitest'

/** Opens something before the tests of the calling file or suite. Until then, what this returns has no properties. */
export function shared<T extends AsyncDisposable>(open: () => Promise<T>): T {
  const opened = {} as T
  beforeAll(async () => {
    Object.assign(opened, await open())
  })
  afterAll(() => opened[Symbol.asyncDispose]())
  return opened
}

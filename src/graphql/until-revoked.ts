import type { Context } from './context.ts'
import { unauthenticated } from './errors/top-level.ts'

/**
 * The source of a subscription: what the generator yields, for as long as the key of the request works; then it
 * ends with UNAUTHENTICATED. The generator's signal is aborted when it shall end, also while it waits for something:
 * a generator alone would not hear of that before the wait is over.
 */
export function untilRevoked<T>(
  { revocations, keyId }: Pick<Context, 'revocations' | 'keyId'>,
  generate: (signal: AbortSignal) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const ending = new AbortController()
  const source = generate(ending.signal)
  let revoked = false
  const release = revocations.watch(keyId, () => {
    revoked = true
    ending.abort()
  })
  const leave = () => {
    release()
    ending.abort()
  }
  return {
    async next() {
      try {
        const result = await source.next()
        if (revoked) throw unauthenticated('The API key of this subscription was revoked.')
        if (result.done) leave()
        return result
      } catch (error) {
        leave()
        throw error
      }
    },
    return(value) {
      leave()
      return source.return(value)
    },
    throw(error) {
      leave()
      return source.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      leave()
      await source.return(undefined)
    },
  }
}

import { onEnd } from '../async/on-end.ts'
import type { Context } from './context.ts'
import { unauthenticated } from './errors/top-level.ts'

/**
 * The source of a subscription: what `generate` yields, until the API key of the request is revoked; then it fails with
 * UNAUTHENTICATED. `generate` must end when its signal is aborted, even while it waits for something.
 */
export function untilRevoked<T>(
  { revocations, keyId }: Pick<Context, 'revocations' | 'keyId'>,
  generate: (signal: AbortSignal) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  const ending = new AbortController()
  let isRevoked = false
  const unwatch = revocations.watch(keyId, () => {
    isRevoked = true
    ending.abort()
  })
  const end = () => {
    unwatch()
    ending.abort()
  }
  return onEnd(generate(ending.signal), end, () => {
    if (isRevoked) throw unauthenticated('The API key of this subscription was revoked.')
  })
}

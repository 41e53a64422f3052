/** Yields until its signal is aborted, also while it waits for something. */
export type Source<T> = (signal: AbortSignal) => AsyncGenerator<T>

/**
 * What several sources yield, in the order in which it comes, until `signal` is aborted or the first of them ends or
 * fails. By the time that this ends all of them have.
 */
export async function* merge<T>(signal: AbortSignal, sources: readonly Source<T>[]): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const open = sources.map((source) => source(AbortSignal.any([signal, ending.signal])))
  const pending = new Map(open.map((source) => [source, nextOf(source)]))
  try {
    for (;;) {
      const { source, result } = await Promise.race(pending.values())
      if (result.done) return
      pending.set(source, nextOf(source))
      yield result.value
    }
  } finally {
    ending.abort()
    // Why the first of them has failed is told; what the others still had to say is not.
    await Promise.allSettled(pending.values())
    await Promise.all(open.map((source) => source.return(undefined)))
  }
}

async function nextOf<T>(source: AsyncGenerator<T>) {
  return { source, result: await source.next() }
}

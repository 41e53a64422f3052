/** Yields until its signal is aborted, and then ends even if it is waiting. */
export type Source<T> = (signal: AbortSignal) => AsyncGenerator<T>

/**
 * Yields what the sources yield, in order of arrival, until `signal` is aborted or one of them ends or fails. Ends after
 * all of them have ended.
 */
export async function* merge<T>(signal: AbortSignal, sources: readonly Source<T>[]): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const open = sources.map((source) => source(AbortSignal.any([signal, ending.signal])))
  const pending = new Map<AsyncGenerator<T>, Promise<void>>()
  // `read` returns what the source yielded, or throws what it threw.
  const arrived: { source: AsyncGenerator<T>; read: () => IteratorResult<T> }[] = []
  let wake = () => {}
  // Promise.race would leak: each call adds a reaction to the promise of a silent source.
  const request = (source: AsyncGenerator<T>) => {
    const arrive = (read: () => IteratorResult<T>) => {
      arrived.push({ source, read })
      wake()
    }
    const fail = (error: unknown) =>
      arrive(() => {
        throw error
      })
    pending.set(
      source,
      source.next().then((result) => arrive(() => result), fail),
    )
  }
  for (const source of open) request(source)
  try {
    for (;;) {
      const arrival = arrived.shift()
      if (arrival === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const result = arrival.read()
      if (result.done) return
      request(arrival.source)
      yield result.value
    }
  } finally {
    ending.abort()
    // Only the first failure is reported. What other sources yield or throw now is dropped.
    await Promise.all(pending.values())
    await Promise.all(open.map((source) => source.return(undefined)))
  }
}

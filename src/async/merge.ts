/** Yields until its signal is aborted, and ends then even if it is waiting for something. */
export type Source<T> = (signal: AbortSignal) => AsyncGenerator<T>

/**
 * What several sources yield, in order of arrival, until `signal` is aborted or the first of them ends or fails. All of
 * them have ended by the time this one ends.
 */
export async function* merge<T>(signal: AbortSignal, sources: readonly Source<T>[]): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const open = sources.map((source) => source(AbortSignal.any([signal, ending.signal])))
  const pending = new Map<AsyncGenerator<T>, Promise<void>>()
  const arrived: Arrival<T>[] = []
  let wake = () => {}
  // Not Promise.race: each call would leave a reaction on the promise of a source that stays silent.
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
    // The first failure is reported; whatever the others yield or fail with is dropped.
    await Promise.all(pending.values())
    await Promise.all(open.map((source) => source.return(undefined)))
  }
}

interface Arrival<T> {
  source: AsyncGenerator<T>
  /** Returns what the source yielded, or throws the error that it failed with. */
  read: () => IteratorResult<T>
}

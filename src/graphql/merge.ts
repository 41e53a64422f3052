/** Yields until its signal is aborted, also while it waits for something. */
export type Source<T> = (signal: AbortSignal) => AsyncGenerator<T>

/**
 * What several sources yield, in the order in which it comes, until `signal` is aborted or the first of them ends or
 * fails. By the time that this ends all of them have.
 */
export async function* merge<T>(signal: AbortSignal, sources: readonly Source<T>[]): AsyncGenerator<T, void> {
  const ending = new AbortController()
  const open = sources.map((source) => source(AbortSignal.any([signal, ending.signal])))
  const pending = new Map<AsyncGenerator<T>, Promise<void>>()
  const arrived: Arrival<T>[] = []
  let wake = () => {}
  // Not Promise.race: it would leave something behind with a source that keeps silent whenever another yields.
  const ask = (source: AsyncGenerator<T>) => {
    const arrive = (take: () => IteratorResult<T>) => {
      arrived.push({ source, take })
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
  for (const source of open) ask(source)
  try {
    for (;;) {
      const arrival = arrived.shift()
      if (arrival === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const result = arrival.take()
      if (result.done) return
      ask(arrival.source)
      yield result.value
    }
  } finally {
    ending.abort()
    // Why the first of them has failed is told; what the others still had to say is not.
    await Promise.all(pending.values())
    await Promise.all(open.map((source) => source.return(undefined)))
  }
}

interface Arrival<T> {
  source: AsyncGenerator<T>
  /** What the source has yielded; throws what it has failed with. */
  take: () => IteratorResult<T>
}

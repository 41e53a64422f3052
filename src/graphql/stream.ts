/**
 * The source of a subscription: what the generator yields. Its signal is aborted when the subscriber leaves, also
 * while the generator waits for something: a generator alone would not hear of that before the wait is over.
 */
export function stream<T>(generate: (signal: AbortSignal) => AsyncGenerator<T>): AsyncGenerator<T> {
  const left = new AbortController()
  const source = generate(left.signal)
  return {
    next: () => source.next(),
    return: (value) => {
      left.abort()
      return source.return(value)
    },
    throw: (error) => {
      left.abort()
      return source.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      left.abort()
      await source.return(undefined)
    },
  }
}

/**
 * `source`, with `end` called once when it is over: when it completes or fails, or when its consumer returns or throws,
 * even if that never reads a result. `end` runs before `source` is told to return, so it can abort what `source` waits for:
 * a generator alone would only hear of that after its wait. `check` runs after each result, and what it throws fails the
 * read.
 */
export function onEnd<T, R>(
  source: AsyncGenerator<T, R, void>,
  end: () => void,
  check?: () => void,
): AsyncGenerator<T, R, void> {
  let hasEnded = false
  const endOnce = () => {
    if (hasEnded) return
    hasEnded = true
    end()
  }
  return {
    async next() {
      try {
        const result = await source.next()
        check?.()
        if (result.done === true) endOnce()
        return result
      } catch (error) {
        endOnce()
        throw error
      }
    },
    return(value) {
      endOnce()
      return source.return(value)
    },
    throw(error) {
      endOnce()
      return source.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      endOnce()
      await source[Symbol.asyncDispose]()
    },
  }
}

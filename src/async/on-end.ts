/**
 * Returns `source` with `end` called once at its end: when it completes or fails, or when its consumer returns or throws,
 * even before the first read. `end` is called before `source.return`, so it can abort what `source` waits for: a generator
 * that awaits something returns only afterwards. `check` is called after each result; if it throws, the read fails.
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

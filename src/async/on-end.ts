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
  return new Ending(source, end, check)
}

class Ending<T, R> implements AsyncGenerator<T, R, void> {
  readonly #source: AsyncGenerator<T, R, void>
  readonly #check: (() => void) | undefined
  #end: (() => void) | undefined

  constructor(source: AsyncGenerator<T, R, void>, end: () => void, check: (() => void) | undefined) {
    this.#source = source
    this.#end = end
    this.#check = check
  }

  async next(): Promise<IteratorResult<T, R>> {
    try {
      const result = await this.#source.next()
      this.#check?.()
      if (result.done === true) this.#endOnce()
      return result
    } catch (error) {
      this.#endOnce()
      throw error
    }
  }

  return(value: R | PromiseLike<R>): Promise<IteratorResult<T, R>> {
    this.#endOnce()
    return this.#source.return(value)
  }

  throw(error: unknown): Promise<IteratorResult<T, R>> {
    this.#endOnce()
    return this.#source.throw(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endOnce()
    await this.#source[Symbol.asyncDispose]()
  }

  #endOnce(): void {
    const end = this.#end
    this.#end = undefined
    end?.()
  }
}

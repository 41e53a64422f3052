/** Nothing more can be opened, because the service is shutting down. */
export class ClosingError extends Error {
  override name = 'ClosingError'

  constructor() {
    super('The service is shutting down')
  }
}

/** Closes what has been opened, in reverse order: dependents before what they depend on. */
export class Lifecycle implements AsyncDisposable {
  readonly #opened: { name: string; close: () => Promise<void> }[] = []
  #closing: Promise<void> | undefined

  /** Whether `close` has been called. */
  get closing(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Opens a resource that `close` will close. If `close` is called while it opens, it waits for it and closes it too.
   *
   * @param name its name in the error if it cannot be closed
   * @throws {ClosingError} if `close` was called before it was open; otherwise what `open` throws
   */
  async open<T>(name: string, open: () => Promise<T> | T, close: (resource: T) => unknown): Promise<T> {
    if (this.closing) throw new ClosingError()
    const opening = Promise.resolve().then(open)
    this.#opened.push({
      name,
      close: async () => {
        const [outcome] = await Promise.allSettled([opening])
        if (outcome.status === 'fulfilled') await close(outcome.value)
      },
    })
    const resource = await opening
    if (this.closing) throw new ClosingError()
    return resource
  }

  /** Opens a resource that has its own `close`, as `open` does. */
  openCloseable<T extends { close(): unknown }>(name: string, open: () => Promise<T> | T): Promise<T> {
    return this.open(name, open, (resource) => resource.close())
  }

  /**
   * Closes everything, the last opened first, even if closing some of it fails. Further calls return the same promise.
   *
   * @throws {AggregateError} of all failures
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #closeAll(): Promise<void> {
    const errors: Error[] = []
    for (const { name, close } of this.#opened.toReversed()) {
      try {
        await close()
      } catch (cause) {
        errors.push(new Error(`${name} could not be closed`, { cause }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  }
}

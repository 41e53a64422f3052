/** The service is being closed: what was about to be opened is not, or no longer, wanted. */
export class ClosingError extends Error {
  override name = 'ClosingError'

  constructor() {
    super('The service is being closed')
  }
}

interface Opened {
  readonly name: string
  readonly close: () => Promise<void>
}

/**
 * Keeps what has been opened and closes it in the opposite order, so that nothing is closed before what builds
 * on it.
 */
export class Lifecycle implements AsyncDisposable {
  readonly #opened: Opened[] = []
  #closing: Promise<void> | undefined

  /** Whether `close` has been called. */
  get closing(): boolean {
    return this.#closing !== undefined
  }

  /**
   * Opens something, and sees to it that it is closed. It may be slow to open: when `close` is called meanwhile,
   * that waits for it and closes it too.
   *
   * @param name what it is called in the error when it cannot be closed
   * @throws {ClosingError} when `close` has been called, before or while it opened; else what `open` throws
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

  /**
   * Closes everything, the last opened first. Every closer runs, whatever the others do. Calling it again waits
   * for the same end.
   *
   * @throws {AggregateError} of what the closers threw
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

/** A value that is made on first use, and kept. If that fails, the next use tries again. */
export class Lazy<T> {
  readonly #make: () => Promise<T>
  #value: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  get(): Promise<T> {
    this.#value ??= this.#make().catch((error: unknown) => {
      this.#value = undefined
      throw error
    })
    return this.#value
  }
}

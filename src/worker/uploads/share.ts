/** The time that an account has for its uploads while other accounts wait. */
export class Share {
  /** Whether the account has to make room for another one. */
  isOver = false
  readonly #began = performance.now()
  #minMs: number

  constructor(minMs: number) {
    this.#minMs = minMs
  }

  get isUsed(): boolean {
    return performance.now() - this.#began >= this.#minMs
  }

  lastAtLeast(ms: number): void {
    this.#minMs = Math.max(this.#minMs, ms)
  }
}

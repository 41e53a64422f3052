import { newIdempotencyKey } from './idempotency.ts'

interface Unanswered {
  /** What was asked for, as JSON. */
  input: string
  key: string
  /** What the form had in it. */
  values: unknown
}

/**
 * The requests whose answers have not come, or were lost, by the place of the page that sends them, such as a form of a pool.
 * They are kept while other screens are shown, so that asking for the same again does nothing twice.
 */
export class UnansweredRequests {
  readonly #ofPlaces = new Map<string, Unanswered>()

  of(place: string): Unanswered | undefined {
    return this.#ofPlaces.get(place)
  }

  /** Notes what is about to be sent. Its idempotencyKey is that of the last request, if it asks for the same. */
  keyOf(place: string, input: object, values: object): string {
    const asked = JSON.stringify(input)
    const last = this.#ofPlaces.get(place)
    const key = last?.input === asked ? last.key : newIdempotencyKey()
    this.#ofPlaces.set(place, { input: asked, key, values })
    return key
  }

  forget(place: string): void {
    this.#ofPlaces.delete(place)
  }
}

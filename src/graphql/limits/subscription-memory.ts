import { getHeapStatistics } from 'node:v8'
import type { DocumentNode, GraphQLError } from 'graphql'
import { topLevelError } from '../errors/top-level.ts'
import { memoryOf } from './documents.ts'

// What subscriptions may hold together, and those of one key, of the memory that the process may have.
const maxShare = 1 / 2
const maxShareOfKey = 3 / 8

// One on a socket that has others was measured at 22 to 47 kB (bench/idle-subscriptions.ts). Of a request, at worst 30
// bytes stay for each of its characters, as a list of empty objects shows.
const bytesOfSubscription = 30_000
const bytesOfCharacter = 30

/** A subscription that is about to be opened. */
export interface Subscribing {
  keyId: string
  document: DocumentNode
  /** How long the request was, in characters. */
  requestLength: number
}

/** Bounds the memory that open subscriptions hold, of which a client chooses the number and the size. */
export class SubscriptionMemory {
  readonly #maxBytes: number
  readonly #maxBytesOfKey: number
  readonly #bytesOfKeys = new Map<string, number>()
  /** How many subscriptions have a document. It is counted once. */
  readonly #holders = new Map<DocumentNode, number>()
  #bytes = 0

  constructor(memory: number = getHeapStatistics().heap_size_limit) {
    this.#maxBytes = memory * maxShare
    this.#maxBytesOfKey = memory * maxShareOfKey
  }

  /** What the open subscriptions hold, in bytes, as far as it can be estimated. */
  get bytes(): number {
    return this.#bytes
  }

  /** Lets a subscription in: a function to be called, once, when it has ended. Or why it is not let in. */
  enter({ keyId, document, requestLength }: Subscribing): (() => void) | GraphQLError {
    const holders = this.#holders.get(document) ?? 0
    const bytes =
      bytesOfSubscription + bytesOfCharacter * requestLength + (holders === 0 ? memoryOf(document) : 0)
    const ofKey = this.#bytesOfKeys.get(keyId) ?? 0
    if (ofKey + bytes > this.#maxBytesOfKey || this.#bytes + bytes > this.#maxBytes)
      return topLevelError(
        'BAD_USER_INPUT',
        'There are too many subscriptions, or their documents and variables are too long. Complete some of them, or ' +
          'select less in each.',
      )
    this.#add(keyId, bytes)
    this.#holders.set(document, holders + 1)
    return () => {
      this.#add(keyId, -bytes)
      const left = (this.#holders.get(document) ?? 1) - 1
      if (left === 0) this.#holders.delete(document)
      else this.#holders.set(document, left)
    }
  }

  #add(keyId: string, bytes: number): void {
    const ofKey = (this.#bytesOfKeys.get(keyId) ?? 0) + bytes
    if (ofKey === 0) this.#bytesOfKeys.delete(keyId)
    else this.#bytesOfKeys.set(keyId, ofKey)
    this.#bytes += bytes
  }
}

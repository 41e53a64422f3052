import { getHeapStatistics } from 'node:v8'
import type { DocumentNode, GraphQLError } from 'graphql'
import { topLevelError } from '../errors/top-level.ts'
import { memoryOf } from './documents.ts'

// The share of the heap for all subscriptions together, and for those of one key.
const maxShare = 1 / 2
const maxShareOfKey = 3 / 8

// Measured: 8 kB for a further subscription on a socket (bench/idle-subscriptions.ts), and 16 kB for one that shares its answers
// with no other. A request takes up to 30 bytes for each of its characters, if it is a list of empty objects.
const bytesPerSubscription = 20_000
const bytesPerCharacter = 30

/** Bounds the memory of open subscriptions, whose number and size are up to the clients. */
export class SubscriptionMemory {
  readonly #maxBytes: number
  readonly #maxBytesOfKey: number
  readonly #bytesOfKeys = new Map<string, number>()
  /** The number of subscriptions of each document. A shared document counts once. */
  readonly #holders = new Map<DocumentNode, number>()
  #bytes = 0

  constructor(memory: number = getHeapStatistics().heap_size_limit) {
    this.#maxBytes = memory * maxShare
    this.#maxBytesOfKey = memory * maxShareOfKey
  }

  /** An estimate of the memory of the open subscriptions, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Admits a subscription and returns the function to call, once, when it ends; or the error, if memory is short.
   * `requestLength` is in characters.
   */
  acquire(keyId: string, document: DocumentNode, requestLength: number): (() => void) | GraphQLError {
    const holders = this.#holders.get(document) ?? 0
    const bytes =
      bytesPerSubscription + bytesPerCharacter * requestLength + (holders === 0 ? memoryOf(document) : 0)
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

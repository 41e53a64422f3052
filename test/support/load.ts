import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { encodeId } from '../../src/graphql/ids.ts'
import type { Outcome } from './api.ts'
import { type Answer, Client } from './client.ts'

/**
 * Services on one database that come and go, as behind a load balancer, and a client that retries: a request that is not
 * answered, because its service was killed or the database is unavailable, is sent again at once, to any running service.
 */
export class Fleet implements AsyncDisposable {
  /** The number of requests that were lost with their service. */
  lost = 0
  /** The number of requests that were answered with UNAVAILABLE. */
  unavailable = 0
  readonly #key: string
  readonly #clients = new Map<string, Client>()

  constructor(key: string, urls: readonly string[] = []) {
    this.#key = key
    for (const url of urls) this.add(url)
  }

  add(url: string): void {
    this.#clients.set(url, new Client({ url, key: this.#key }))
  }

  /** Must be called before the service is killed: a lost connection to any other service is a failure. */
  remove(url: string): void {
    this.#clients.delete(url)
  }

  async ask<Data>(query: string, variables: Record<string, unknown>): Promise<Data> {
    for (;;) {
      const answer = await this.#try<Data>(query, variables)
      if (answer?.errors === undefined) {
        if (answer !== undefined) return answer.data
      } else {
        for (const { message, extensions } of answer.errors)
          if (extensions.code !== 'UNAVAILABLE' || !(Number(extensions['retryAfterMs']) > 0))
            throw new Error(`${extensions.code}: ${message}`)
        this.unavailable += 1
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client[Symbol.asyncDispose]()))
  }

  async #try<Data>(query: string, variables: Record<string, unknown>): Promise<Answer<Data> | undefined> {
    const urls = [...this.#clients.keys()]
    const url = urls[randomInt(urls.length)] ?? ''
    try {
      return await this.#clients.get(url)?.send<Data>(query, variables)
    } catch (error) {
      // The error of fetch for a lost connection.
      if (!(error instanceof TypeError) || this.#clients.has(url)) throw error
      this.lost += 1
      return undefined
    }
  }
}

/** A claim and its codes. */
export interface Claimed {
  idempotencyKey: string
  poolId: string
  count: number
  codes: readonly { id: string; code: string }[]
}

/** Claims codes of a pool, given by its UUID, with retries. A key that was used before claims the same codes again. */
export async function claim(
  fleet: Fleet,
  {
    poolId,
    count,
    idempotencyKey = randomUUID(),
  }: Pick<Claimed, 'poolId' | 'count'> & { idempotencyKey?: string },
): Promise<Claimed> {
  const { claimCodes } = await fleet.ask<{ claimCodes: Outcome & Pick<Claimed, 'codes'> }>(
    `mutation ($input: ClaimCodesInput!) {
      claimCodes(input: $input) {
        __typename
        ... on UserError { message }
        ... on ClaimCodesPayload { codes { id code } pool { claimedCount } }
      }
    }`,
    { input: { poolId: encodeId('Pool', poolId), count, recipient: idempotencyKey, idempotencyKey } },
  )
  if (claimCodes.message !== undefined) throw new Error(claimCodes.message)
  return { idempotencyKey, poolId, count, codes: claimCodes.codes }
}

/** Clients that repeat an action until they are stopped: without pause, unless they are told to rest. */
export class Crowd {
  /** How many milliseconds each client rests after its action. */
  restMs = 0
  readonly #counts: number[]
  readonly #done: Promise<unknown>
  #stopped = false
  #progress = Promise.withResolvers<void>()

  constructor(clients: readonly (() => Promise<unknown>)[]) {
    this.#counts = clients.map(() => 0)
    this.#done = Promise.all(clients.map((client, i) => this.#run(client, i)))
    // Reported by `everyone` and `stop`.
    this.#done.catch(() => undefined)
  }

  /** Resolves when each client has repeated its action `count` more times; rejects when one has failed. */
  async everyone(count: number): Promise<void> {
    const goals = this.#counts.map((done) => done + count)
    while (goals.some((goal, i) => (this.#counts[i] ?? 0) < goal))
      await Promise.race([this.#progress.promise, this.#done])
  }

  /** Resolves when each client has finished its current action. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(client: () => Promise<unknown>, i: number): Promise<void> {
    while (!this.#stopped) {
      await client()
      this.#counts[i] = (this.#counts[i] ?? 0) + 1
      const { resolve } = this.#progress
      this.#progress = Promise.withResolvers()
      resolve()
      if (this.restMs > 0) await setTimeout(this.restMs)
    }
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { encodeCursor, readLog } from '../src/domain/books/event-log.ts'
import { encodeId } from '../src/graphql/ids.ts'
import type { Lifecycle } from '../src/lifecycle.ts'
import type { Broadcast } from './bare-server.ts'
import type { Arrival, Expectation, ReadersOptions } from './readers.ts'
import { addServer, type Bench, processOf } from './support.ts'

/** Readers in a process of their own: see readers.ts. */
export class Readers {
  /** The length of a message. */
  bytes = 0
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when all sockets are open. */
  static async open(lifecycle: Lifecycle, options: ReadersOptions): Promise<Readers> {
    const child = await lifecycle.open(
      'readers',
      () => fork(join(import.meta.dirname, 'readers.ts'), [JSON.stringify(options)]),
      (opened) => opened.kill(),
    )
    await once(child, 'message')
    return new Readers(child)
  }

  /** Cuts all sockets at once. */
  cut(): void {
    this.#child.kill('SIGKILL')
  }

  /** How many milliseconds after `begin` (of process.hrtime) the last of so many messages arrived. */
  async arrivedSince(begin: bigint, messages: number): Promise<number> {
    const arrived = once(this.#child, 'message') as Promise<[Arrival]>
    this.#child.send({ messages } satisfies Expectation)
    const [{ at, bytes }] = await arrived
    this.bytes = bytes
    return Number(BigInt(at) - begin) / 1e6
  }
}

/** Subscribes to the events of a pool from now on, with the fields that a dashboard needs. */
export async function openSubscribers(
  { lifecycle, books, accountId, key }: Bench,
  url: string,
  { poolId, sockets, times }: { poolId: string; sockets: number; times: number },
): Promise<Readers> {
  const { log, last } = await readLog(books, accountId)
  return await Readers.open(lifecycle, {
    url,
    key,
    sockets,
    subscription: {
      query: `subscription ($poolId: ID, $after: String) { poolEvents(poolId: $poolId, after: $after) {
        __typename cursor at pool { id name availableCount claimedCount status } } }`,
      variables: { poolId: encodeId('Pool', poolId), after: encodeCursor({ log, sequence: last }) },
      times,
    },
  })
}

/** A bare `ws` server that sends messages of so many bytes to all of its sockets, and their readers. */
export async function openBareServer(
  lifecycle: Lifecycle,
  { sockets, bytes }: { sockets: number; bytes: number },
): Promise<{ url: string; readers: Readers; send: (times: number) => void }> {
  const url = await addServer(lifecycle, fork(join(import.meta.dirname, 'bare-server.ts')))
  const readers = await Readers.open(lifecycle, { url, key: undefined, sockets, subscription: undefined })
  const text = 'x'.repeat(bytes)
  return { url, readers, send: (times) => processOf(url).send({ text, times } satisfies Broadcast) }
}

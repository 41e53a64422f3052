import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Lifecycle } from '../src/lifecycle.ts'
import type { Arrival, Expectation, ReadersOptions } from './readers.ts'

/** Readers in a process of their own (readers.ts). */
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

  /** How long after `begin` (of process.hrtime) the last of so many messages had arrived, in milliseconds. */
  async arrivedSince(begin: bigint, messages: number): Promise<number> {
    const arrived = once(this.#child, 'message') as Promise<[Arrival]>
    this.#child.send({ messages } satisfies Expectation)
    const [{ at, bytes }] = await arrived
    this.bytes = bytes
    return Number(BigInt(at) - begin) / 1e6
  }
}

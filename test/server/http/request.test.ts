import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FileInterruptedError } from '../../../src/domain/books/errors.ts'
import { readBody, receiveBody } from '../../../src/server/http/request.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const minute = 60_000
const kibibyte = 1_024

/** A body that the test sends, and its reader. */
function open() {
  const sent = Object.assign(new PassThrough(), { headers: {} })
  const body = readBody(sent as unknown as IncomingMessage, {} as ServerResponse, minute)
  return { sent, body }
}

type Open = ReturnType<typeof open>

/** Requests the next chunk. It may fail before anybody awaits it. */
function ask({ body }: Open): ReturnType<Open['body']['next']> {
  const asking = body.next()
  asking.catch(() => undefined)
  return asking
}

/** Sends bytes after a delay, and reads them. */
async function sendAfter(file: Open, ms: number, bytes: number): Promise<void> {
  const taking = ask(file)
  await vi.advanceTimersByTimeAsync(ms)
  file.sent.write(Buffer.alloc(bytes))
  expect((await taking).value).toHaveLength(bytes)
}

describe('a client that sends a file', () => {
  test('may be as slow as 16 KiB a minute, for hours', async () => {
    const file = open()
    for (let minutes = 0; minutes < 300; minutes++) {
      await sendAfter(file, minute / 2, 8 * kibibyte)
      await sendAfter(file, minute / 2 - 1, 8 * kibibyte)
    }
  })

  test('is cut off when it sends only a byte now and then', async () => {
    const file = open()
    await sendAfter(file, 0, 16 * kibibyte)
    for (const _time of [1, 2, 3, 4, 5]) await sendAfter(file, 10_000, 1)
    const next = ask(file)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(file.sent.destroyed).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await expect(next).rejects.toThrow(FileInterruptedError)
    await expect(next).rejects.toThrow(/^Only 5 bytes of the file arrived in 60 seconds/)
    expect(file.sent.destroyed).toBe(true)
  })

  test('is cut off when it sends nothing', async () => {
    const file = open()
    await sendAfter(file, minute - 1, 16 * kibibyte)
    const next = ask(file)
    await vi.advanceTimersByTimeAsync(minute)
    await expect(next).rejects.toThrow(/^Nothing of the file arrived for 60 seconds/)
  })

  test('is not cut off because its bytes take long to be processed', async () => {
    const file = open()
    for (let time = 0; time < 10; time++) {
      await sendAfter(file, 1_000, 1)
      await vi.advanceTimersByTimeAsync(10 * minute)
    }
  })
})

test('a body whose client left before it is wanted is not awaited', async () => {
  const { sent } = open()
  sent.destroy()
  const taking = receiveBody(sent as unknown as IncomingMessage, {} as ServerResponse, {
    silenceMs: minute,
    receive: () => {},
  })
  await expect(taking).rejects.toThrow(FileInterruptedError)
})

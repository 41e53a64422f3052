import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readAhead } from '../../src/async/read-ahead.ts'

/** Yields the numbers from 1 to `count`, and then fails if there is an error. Notes what is requested and returned. */
function numbers(count: number, error?: Error) {
  const log: string[] = []
  async function* generate() {
    try {
      for (let number = 1; number <= count; number++) {
        log.push(`${number} requested`)
        yield number
      }
      log.push('end requested')
      if (error !== undefined) throw error
    } finally {
      log.push('returned')
    }
  }
  return { log, values: generate() }
}

describe('reading ahead', () => {
  test('gives the same values, each requested while the one before it is used', async () => {
    const { log, values } = numbers(3)
    for await (const number of readAhead(values)) {
      await setImmediate()
      log.push(`${number} used`)
    }
    expect(log).toEqual([
      '1 requested',
      '2 requested',
      '1 used',
      '3 requested',
      '2 used',
      'end requested',
      'returned',
      '3 used',
    ])
  })

  test('lets a request be sent before the use of the value begins', async () => {
    const log: string[] = []
    async function* generate() {
      for (const number of [1, 2]) {
        // As the connection to the database does.
        process.nextTick(() => log.push(`${number} sent`))
        yield number
      }
    }
    for await (const number of readAhead(generate())) log.push(`${number} used`)
    expect(log).toEqual(['1 sent', '2 sent', '1 used', '2 used'])
  })

  test('fails after the last value, and not before', async () => {
    const { values } = numbers(1, new Error('Gone.'))
    const ahead = readAhead(values)
    expect((await ahead.next()).value).toBe(1)
    // The source has failed by now, and nobody has asked for more.
    await setImmediate()
    await expect(ahead.next()).rejects.toThrow('Gone.')
  })

  test('returns the source when the reader stops', async () => {
    const { log, values } = numbers(3)
    for await (const _number of readAhead(values)) break
    expect(log.at(-1)).toBe('returned')
  })
})

import { expect, test } from 'vitest'
import { TimeWriter } from '../src/dates.ts'

const hourMs = 3_600_000

test('times are written as Date writes them, whatever was written before', () => {
  const writer = new TimeWriter()
  const midnight = Date.UTC(2024, 1, 29)
  const times = [
    0,
    1,
    midnight - 1,
    midnight,
    midnight + 59_999,
    midnight + 60_000,
    midnight + 23 * hourMs + 59 * 60_000 + 59_999,
    midnight - hourMs,
    Date.UTC(1969, 11, 31, 23, 59, 59, 7),
    Date.UTC(9999, 11, 31, 23, 59, 59, 999),
  ]
  const bytes = Buffer.alloc(30, '·', 'latin1')
  const write = (ms: number) => {
    writer.write(ms, bytes, 3)
    return bytes.toString('latin1')
  }
  for (const ms of times) expect(write(ms)).toBe(`···${new Date(ms).toISOString()}···`)
})

import { expect, test } from 'vitest'
import { RateLimitedError } from '../../../src/domain/books/errors.ts'
import { DownloadLimit } from '../../../src/server/files/download-limit.ts'

test('a key has 32 downloads at a time, and is told when to try again', async () => {
  const limit = new DownloadLimit()
  const begun = Array.from({ length: 32 }, () => Promise.withResolvers<void>())
  const ended = begun.map(({ promise }) => limit.run('key', () => promise))
  const more = (key: string) => limit.run(key, async () => {})
  await expect(more('key')).rejects.toThrow(RateLimitedError)
  await expect(more('key')).rejects.toMatchObject({ retryAfterMs: 5_000 })
  await expect(more('other key')).resolves.toBeUndefined()
  begun[0]?.resolve()
  await ended[0]
  await expect(more('key')).resolves.toBeUndefined()
  begun[1]?.reject(new RangeError('cut off'))
  await expect(ended[1]).rejects.toThrow(RangeError)
  await expect(more('key')).resolves.toBeUndefined()
  for (const { resolve } of begun) resolve()
  await Promise.all(ended.filter((_, i) => i !== 1))
})

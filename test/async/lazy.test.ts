import { expect, test } from 'vitest'
import { Lazy } from '../../src/async/lazy.ts'

test('makes a value once, on first use, and again only after a failure', async () => {
  let made = 0
  const lazy = new Lazy(async () => {
    made += 1
    if (made === 1) throw new Error('failed')
    return made
  })
  expect(made).toBe(0)
  await expect(Promise.allSettled([lazy.get(), lazy.get()])).resolves.toMatchObject([
    { status: 'rejected' },
    { status: 'rejected' },
  ])
  expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([2, 2])
})

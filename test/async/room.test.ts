import { expect, test } from 'vitest'
import { Room } from '../../src/async/room.ts'

/** A room of 10, and the work that it has started, in order, which ends on demand. */
function open() {
  const room = new Room(10)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const run = (key: string, name: string, needed: number, isWanted = () => true) =>
    room.run(key, { needed, isWanted }, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const endNext = async () => {
    await settle()
    ends.shift()?.()
    await settle()
  }
  return { room, begun, run, settle, endNext }
}

test('work of one key starts in order of arrival, and never uses more than the room', async () => {
  const room = new Room(10)
  const begun: number[] = []
  let used = 0
  const work = (needed: number) => async () => {
    begun.push(needed)
    used += Math.min(needed, 10)
    expect(used).toBeLessThanOrEqual(10)
    await new Promise((resolve) => setImmediate(resolve))
    used -= Math.min(needed, 10)
    if (needed === 7) throw new Error('failed')
  }
  const needs = [4, 5, 7, 1, 100, 2, 3]
  await Promise.allSettled(
    needs.map((needed) => room.run('a', { needed, isWanted: () => true }, work(needed))),
  )
  expect(begun).toEqual(needs)
})

test('a key with much work waiting leaves room for another', async () => {
  const { begun, run, settle } = open()
  for (let i = 0; i < 5; i++) void run('greedy', `greedy${i}`, 3)
  void run('modest', 'modest', 2)
  await settle()
  expect(begun).toEqual(['greedy0', 'modest'])
})

test('keys are served round-robin, however much each has waiting', async () => {
  const { begun, run, endNext } = open()
  for (const [key, count] of [
    ['a', 4],
    ['b', 3],
    ['c', 1],
  ] as const)
    for (let i = 0; i < count; i++) void run(key, `${key}${i}`, 5)
  for (let i = 0; i < 8; i++) await endNext()
  expect(begun).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'b2', 'a3'])
})

test('work that needs much is not overtaken by later work that needs little', async () => {
  const { begun, run, endNext } = open()
  void run('a', 'a', 4)
  void run('b', 'all', 10)
  void run('c', 'c', 1)
  await endNext()
  expect(begun).toEqual(['a', 'all'])
  await endNext()
  expect(begun).toEqual(['a', 'all', 'c'])
})

test('work that is no longer wanted is not started', async () => {
  const { begun, run, endNext } = open()
  void run('a', 'first', 10)
  let isWanted = true
  const dropped = [1, 2, 3].map((i) => run('a', `dropped${i}`, 10, () => isWanted))
  void run('a', 'last', 10)
  void run('b', 'other', 10)
  isWanted = false
  await endNext()
  expect(await Promise.all(dropped)).toEqual([undefined, undefined, undefined])
  expect(begun).toEqual(['first', 'other'])
  await endNext()
  expect(begun).toEqual(['first', 'other', 'last'])
})

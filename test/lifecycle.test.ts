import { describe, expect, test } from 'vitest'
import { ClosingError, Lifecycle } from '../src/lifecycle.ts'

/** Opens a resource of which only the end matters. */
function add(lifecycle: Lifecycle, name: string, close: () => unknown): Promise<undefined> {
  return lifecycle.open(name, () => undefined, close)
}

describe('a lifecycle', () => {
  test('closes in reverse order', async () => {
    const closed: string[] = []
    const lifecycle = new Lifecycle()
    for (const name of ['database', 'worker', 'server']) {
      await lifecycle.open(
        name,
        () => name,
        (resource) => closed.push(resource),
      )
    }
    await lifecycle.close()
    expect(closed).toEqual(['server', 'worker', 'database'])
  })

  test('closes one resource after the other', async () => {
    const events: string[] = []
    const serverClosed = Promise.withResolvers<void>()
    const lifecycle = new Lifecycle()
    await add(lifecycle, 'database', () => events.push('database'))
    await add(lifecycle, 'server', () => serverClosed.promise.then(() => events.push('server')))
    const closing = lifecycle.close()
    events.push('asked')
    serverClosed.resolve()
    await closing
    expect(events).toEqual(['asked', 'server', 'database'])
  })

  test('closes everything, and reports every failure together', async () => {
    const closed: string[] = []
    const lifecycle = new Lifecycle()
    await add(lifecycle, 'database', () => closed.push('database'))
    await add(lifecycle, 'worker', () => Promise.reject(new Error('stuck')))
    await add(lifecycle, 'server', () => {
      throw new Error('broken')
    })
    const error = await lifecycle.close().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors.map((each: Error) => [each.message, each.cause])).toEqual([
      ['server could not be closed', new Error('broken')],
      ['worker could not be closed', new Error('stuck')],
    ])
    expect(closed).toEqual(['database'])
  })

  test('closes everything once, however often close is called', async () => {
    let closed = 0
    const lifecycle = new Lifecycle()
    await add(lifecycle, 'database', () => closed++)
    await Promise.all([lifecycle.close(), lifecycle.close()])
    expect(closed).toBe(1)
  })

  test('closes a resource that is still opening when close is called', async () => {
    const opening = Promise.withResolvers<string>()
    const closed: string[] = []
    const lifecycle = new Lifecycle()
    const opened = lifecycle.open(
      'database',
      () => opening.promise,
      (name) => closed.push(name),
    )
    const closing = lifecycle.close()
    opening.resolve('slow database')
    await expect(opened).rejects.toThrow(ClosingError)
    await closing
    expect(closed).toEqual(['slow database'])
  })

  test('opens nothing after close', async () => {
    let opened = false
    const lifecycle = new Lifecycle()
    await lifecycle.close()
    const late = lifecycle.open(
      'database',
      () => {
        opened = true
      },
      () => undefined,
    )
    await expect(late).rejects.toThrow(ClosingError)
    expect(opened).toBe(false)
  })

  test('rejects with the error of a resource that cannot be opened, and does not close it', async () => {
    const closed: string[] = []
    const lifecycle = new Lifecycle()
    await add(lifecycle, 'database', () => closed.push('database'))
    const failure = lifecycle.open(
      'server',
      () => Promise.reject(new Error('port in use')),
      () => closed.push('server'),
    )
    await expect(failure).rejects.toThrow('port in use')
    await lifecycle.close()
    expect(closed).toEqual(['database'])
  })
})

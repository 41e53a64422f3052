import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Notifications } from '../../src/database/notifications.ts'
import { connectionConfig } from '../../src/database/open.ts'
import { silent } from '../support/books.ts'
import { testDatabase } from '../support/database.ts'
import { type DatabaseProxy, openProxy } from '../support/proxy.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What listens at a database through a proxy. */
async function openListener() {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await testDatabase())
  const proxy = stack.use(await openProxy(database.url))
  const { connections } = database
  const connection: pg.ClientConfig = { ...connectionConfig(proxy.url), application_name: 'listener' }
  const notifications = new Notifications({ connections, connection, log: silent })
  await notifications.open()
  const listening = async () => {
    const { rows } = await connections.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'listener' AND datname = current_database()`,
    )
    return rows.length
  }
  expect(await listening()).toBe(1)
  return { proxy, connection, notifications, listening, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Cuts all connections. Resolves when another one is being made, to how that ends. */
async function reconnecting(proxy: DatabaseProxy): Promise<{ outcome: Promise<unknown> }> {
  const connect = vi.spyOn(pg.Client.prototype, 'connect')
  proxy.breakDown()
  proxy.mend()
  await vi.waitFor(() => expect(connect).toHaveBeenCalled(), { timeout: 5_000 })
  return { outcome: Promise.allSettled(connect.mock.results.map(({ value }) => value)) }
}

describe('closing leaves no connection', () => {
  it('that listens', async () => {
    await using test = await openListener()
    await test.notifications.close()
    await expect.poll(test.listening).toBe(0)
  })

  it('that was being made, and does not wait for a server that is silent', async () => {
    await using test = await openListener()
    test.proxy.hold()
    const { outcome } = await reconnecting(test.proxy)
    await test.notifications.close()
    test.proxy.release()
    await outcome
    await expect.poll(test.listening).toBe(0)
  })

  it('that was made and did not listen yet', async () => {
    await using test = await openListener()
    const { outcome } = await reconnecting(test.proxy)
    await outcome
    await test.notifications.close()
    await expect.poll(test.listening).toBe(0)
  })

  it('to be made later', async () => {
    await using test = await openListener()
    const connect = vi.spyOn(pg.Client.prototype, 'connect')
    const warn = vi.spyOn(silent, 'warn')
    test.proxy.breakDown()
    await vi.waitFor(() => expect(warn).toHaveBeenCalled())
    await test.notifications.close()
    test.proxy.mend()
    expect(connect).not.toHaveBeenCalled()
  })
})

it('makes one connection at a time, however often it is cut off before it listens', async () => {
  await using test = await openListener()
  let [pending, most, attempts] = [0, 0, 0]
  const connect: (this: pg.Client) => Promise<unknown> = pg.Client.prototype.connect
  vi.spyOn(pg.Client.prototype, 'connect').mockImplementation(async function (this: pg.Client) {
    attempts += 1
    pending += 1
    most = Math.max(most, pending)
    await connect.call(this).finally(() => {
      pending -= 1
    })
  })
  test.proxy.breakDown()
  await vi.waitFor(() => expect(attempts).toBeGreaterThanOrEqual(3), { timeout: 20_000 })
  expect(most).toBe(1)
  test.proxy.mend()
  await expect.poll(test.listening, { timeout: 20_000 }).toBe(1)
  await test.notifications.close()
  await expect.poll(test.listening).toBe(0)
})

it('makes another connection when a server falls silent before it listens', async () => {
  await using test = await openListener()
  // Only for the connections from now on, as a busy machine may be slow to answer.
  const { connectionTimeoutMillis } = test.connection
  test.connection.connectionTimeoutMillis = 1_000
  const connect: (this: pg.Client) => Promise<unknown> = pg.Client.prototype.connect
  let attempts = 0
  vi.spyOn(pg.Client.prototype, 'connect').mockImplementation(async function (this: pg.Client) {
    attempts += 1
    if (attempts > 1) {
      Object.assign(test.connection, { connectionTimeoutMillis })
      test.proxy.release()
    }
    await connect.call(this)
    if (attempts === 1) test.proxy.hold()
  })
  test.proxy.breakDown()
  test.proxy.mend()
  await vi.waitFor(() => expect(attempts).toBeGreaterThan(1), { timeout: 20_000 })
  await expect.poll(test.listening, { timeout: 20_000 }).toBe(1)
  await test.notifications.close()
  await expect.poll(test.listening).toBe(0)
})

it('hears again after a connection was lost', async () => {
  await using test = await openListener()
  const heard = new Promise<string | undefined>((resolve) => test.notifications.on('keys', resolve))
  test.proxy.breakDown()
  test.proxy.mend()
  expect(await heard).toBeUndefined()
  expect(await test.listening()).toBe(1)
  await test.notifications.close()
})

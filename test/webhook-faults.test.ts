import { expect, it } from 'vitest'
import { newPool, useBooks } from './support/books.ts'
import { MainProcess } from './support/process.ts'
import { Receiver } from './support/receiver.ts'
import { happen, newWebhook, range, useWorkers, verified } from './support/webhooks.ts'

// Whole processes are started here, on a machine that may be busy.
const patience = { timeout: 120_000 }

const test = useBooks()
const startWorker = useWorkers()

it(
  'a receiver gets every event in order, and twice only by the same id, when its process is killed',
  patience,
  async () => {
    const { books, databaseUrl } = test
    await using receiver = await Receiver.open()
    const poolId = await newPool(test)
    const { webhookId, secret } = await newWebhook(test, receiver.url)
    await happen(test, poolId, range(1, 20))
    const start = () =>
      new MainProcess({ DATABASE_URL: databaseUrl, ROLE: 'worker', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' })
    const killed: string[] = []
    // One is killed while it waits for an answer, the other when the answer is on its way.
    for (const [event, answers] of [
      [5, false],
      [11, true],
    ] as const) {
      await using service = start()
      receiver.answering = async (response) => {
        const isReached = receiver.received.length === event
        if (!isReached || answers) response.end()
        if (isReached) killed.push(String((await service.end('SIGKILL')).code))
      }
      await service.ready()
      await expect.poll(() => killed.length).toBe(event === 5 ? 1 : 2)
      // As if the time had gone by for which it may be busy with the webhook.
      await books.rows({
        text: 'UPDATE webhook SET leased_until = created_at WHERE id = $1 AND leased_until IS NOT NULL',
        values: [webhookId],
      })
    }
    receiver.answering = (response) => response.end()
    startWorker(books)
    const messages = () => receiver.received.map((request) => verified(request, secret))
    await expect.poll(() => messages().at(-1)?.data['availableCount']).toBe('20')
    const numberById = new Map(messages().map(({ id, data }) => [id, Number(data['availableCount'])]))
    expect([...numberById.values()]).toEqual(range(1, 20))
    const numbers = messages().map(({ data }) => Number(data['availableCount']))
    // Nothing comes after something later.
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers.filter((number) => number === 5).length).toBe(2)
    expect(numbers.length).toBeLessThanOrEqual(22)
    expect(killed).toEqual(['null', 'null'])
  },
)

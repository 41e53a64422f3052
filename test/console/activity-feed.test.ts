import type { Client } from 'urql'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ActivityFeed } from '../../src/console/activity/activity-feed.ts'

/** An event at this minute of the hour before the page was opened, by its cursor. */
interface At {
  cursor: string
  minute: number
}

const now = Date.parse('2026-11-27T13:00:00Z')
const at = (minute: number) => new Date(now + (minute - 60) * 60_000).toISOString()
const ofPool = ({ cursor, minute }: At) => ({ __typename: 'PoolCreatedEvent', cursor, at: at(minute) })
const ofWebhook = ({ cursor, minute }: At) => ({
  __typename: 'WebhookDisabledEvent',
  cursor,
  at: at(minute),
})

type Sink = (result: { data?: unknown; error?: unknown }) => void

/** A client that a test answers for. */
class TestClient {
  /** Open subscriptions by the names of their fields, with their variables. */
  readonly open = new Map<string, { variables: { after?: string }; sink: Sink }>()
  readonly queries: { variables: { after?: string }; answer: (data: unknown) => void }[] = []

  query(_: unknown, variables: { after?: string }): Promise<{ data: unknown }> {
    return new Promise((resolve) => {
      this.queries.push({ variables, answer: (data) => resolve({ data }) })
    })
  }

  subscription(
    document: { definitions: { name?: { value: string } }[] },
    variables: { after?: string },
  ): { subscribe: (sink: Sink) => { unsubscribe: () => void } } {
    const name = document.definitions[0]?.name?.value ?? ''
    return {
      subscribe: (sink) => {
        const opened = { variables, sink }
        this.open.set(name, opened)
        return { unsubscribe: () => this.open.get(name) === opened && this.open.delete(name) }
      },
    }
  }

  /** Brings an event to a subscription. */
  bring(name: 'FeedEvents' | 'FeedWebhooks', event: { __typename: string }): void {
    const field = name === 'FeedEvents' ? 'poolEvents' : 'webhookDisabled'
    this.open.get(name)?.sink({ data: { [field]: event } })
  }

  /** Answers the query that came last. */
  async answer(events: readonly At[], hasNextPage = false): Promise<void> {
    const edges = events.map((event) => ({ node: ofPool(event) }))
    this.queries.at(-1)?.answer({ eventCursor: 'now', poolEvents: { edges, pageInfo: { hasNextPage } } })
    await vi.advanceTimersByTimeAsync(0)
  }
}

let client: TestClient
let feed: ActivityFeed

beforeEach(async () => {
  vi.useFakeTimers({ now })
  client = new TestClient()
  feed = new ActivityFeed(client as unknown as Client)
  feed.start()
})
afterEach(() => {
  feed.stop()
  vi.useRealTimers()
})

const shown = () => feed.state.get().events?.map(({ cursor }) => cursor)
const fresh = () => feed.state.get().fresh.map(({ cursor }) => cursor)

test('what happens to webhooks is between what happened to pools, whose order stays', async () => {
  // The clock of the database was set back before the second.
  await client.answer([
    { cursor: 'c', minute: 50 },
    { cursor: 'b', minute: 20 },
    { cursor: 'a', minute: 30 },
  ])
  expect(client.open.get('FeedWebhooks')?.variables).toEqual({ after: 'a' })
  client.bring('FeedWebhooks', ofWebhook({ cursor: 'x', minute: 40 }))
  client.bring('FeedWebhooks', ofWebhook({ cursor: 'x', minute: 40 }))
  client.bring('FeedEvents', ofPool({ cursor: 'd', minute: 61 }))
  client.bring('FeedWebhooks', ofWebhook({ cursor: 'y', minute: 62 }))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(shown()).toEqual(['y', 'd', 'c', 'x', 'b', 'a'])
  // What had happened before the page was opened is not news.
  expect(fresh()).toEqual(['y', 'd'])
  client.bring('FeedWebhooks', ofWebhook({ cursor: 'y', minute: 62 }))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(shown()).toEqual(['y', 'd', 'c', 'x', 'b', 'a'])
})

test('older events are those after the oldest of a pool, and come with what happened to webhooks then', async () => {
  await client.answer([{ cursor: 'c', minute: 50 }], true)
  client.bring('FeedWebhooks', ofWebhook({ cursor: 'x', minute: 45 }))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(shown()).toEqual(['c'])
  const more = feed.more()
  expect(client.queries.at(-1)?.variables).toEqual({ after: 'c' })
  await client.answer([{ cursor: 'b', minute: 40 }])
  await more
  expect(shown()).toEqual(['c', 'x', 'b'])
  expect(client.open.get('FeedWebhooks')?.variables).toEqual({ after: 'b' })
})

test('no subscription is left when the feed is left while older events are read', async () => {
  await client.answer([{ cursor: 'b', minute: 50 }], true)
  const more = feed.more()
  feed.stop()
  await client.answer([{ cursor: 'a', minute: 40 }])
  await more
  expect([...client.open.keys()]).toEqual([])
})

test('nothing is added any more once events of one kind have ended', async () => {
  await client.answer([{ cursor: 'a', minute: 50 }])
  client.open
    .get('FeedWebhooks')
    ?.sink({ error: { graphQLErrors: [{ message: 'Not for you.', extensions: { code: 'FORBIDDEN' } }] } })
  expect([...client.open.keys()]).toEqual([])
  expect(feed.state.get().ended).toBe('Not for you.')
  expect(shown()).toEqual(['a'])
})

test('what happened to webhooks goes on from the newest event when older ones have been forgotten', async () => {
  await client.answer([
    { cursor: 'b', minute: 50 },
    { cursor: 'a', minute: 40 },
  ])
  const lost = { graphQLErrors: [{ message: 'Too old.', extensions: { code: 'CURSOR_EXPIRED' } }] }
  client.open.get('FeedWebhooks')?.sink({ error: lost })
  expect(client.open.get('FeedWebhooks')?.variables).toEqual({ after: 'b' })
  client.open.get('FeedWebhooks')?.sink({ error: lost })
  expect([...client.open.keys()]).toEqual(['FeedEvents'])
  expect(feed.state.get().ended).toBeUndefined()
})

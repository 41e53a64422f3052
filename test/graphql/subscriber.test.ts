import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
  validateSubscriptionArgs,
} from 'graphql'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Pacer } from '../../src/async/pacer.ts'
import { Scheduler } from '../../src/async/scheduler.ts'
import { DatabaseUnavailableError } from '../../src/database/errors.ts'
import type { Context } from '../../src/graphql/context.ts'
import { type Subscribed, Subscriber } from '../../src/graphql/subscriber.ts'
import { silent } from '../support/books.ts'

/** The events, of which every subscriber gets all, from the first on. */
const events = [{ name: 'first' }, { name: 'second' }, { name: 'third' }]

/** The executed events, in the order of their executions. */
let executed: string[] = []
let state = 0
let away = 0
/** Lets the second and the third of the later events happen. */
let happen = Promise.withResolvers<void>()
/** The later events that have been read. */
let read: string[] = []

const Event = new GraphQLObjectType<{ name: string }>({
  name: 'Event',
  fields: {
    name: { type: new GraphQLNonNull(GraphQLString) },
    state: {
      type: new GraphQLNonNull(GraphQLInt),
      args: { plus: { type: GraphQLInt, defaultValue: 0 } },
      resolve: async ({ name }, { plus }) => {
        executed.push(name)
        if (away > 0) {
          away -= 1
          throw new DatabaseUnavailableError('away')
        }
        return state + plus
      },
    },
  },
})

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { nothing: { type: GraphQLInt } } }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      events: {
        type: new GraphQLNonNull(Event),
        args: { after: { type: GraphQLString } },
        subscribe: async function* () {
          yield* events
        },
        resolve: (event) => event,
      },
      later: {
        type: new GraphQLNonNull(Event),
        subscribe: async function* () {
          for (const event of events) {
            if (read.length === 1) await happen.promise
            read.push(event.name)
            yield event
          }
        },
        resolve: (event) => event,
      },
      refused: {
        type: GraphQLInt,
        subscribe: () => {
          throw new GraphQLError('No.')
        },
      },
    },
  }),
})

const document = parse(
  'subscription ($after: String, $plus: Int = 0) { events(after: $after) { name state(plus: $plus) } }',
)

function open(): Subscriber {
  executed = []
  state = 0
  away = 0
  happen = Promise.withResolvers()
  read = []
  const subscriber = new Subscriber(new Pacer(), silent)
  onTestFinished(() => subscriber.close())
  return subscriber
}

interface Asking {
  variables?: Record<string, unknown>
  accountId?: string
  scopes?: string[]
  scheduler?: Scheduler
  asked?: DocumentNode
  readsAhead?: boolean
}

async function subscribe(
  subscriber: Subscriber,
  {
    variables = {},
    accountId = 'a',
    scopes = ['READ', 'CLAIM'],
    scheduler = new Scheduler(),
    asked = document,
    readsAhead = false,
  }: Asking = {},
): Promise<AsyncGenerator<ExecutionResult>> {
  const contextValue = { accountId, scopes, keyId: `key of ${accountId}`, scheduler }
  const args = { schema, document: asked, variableValues: variables, contextValue }
  const stream = await begin(subscriber, args, readsAhead)
  if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream))
  return stream
}

async function begin(subscriber: Subscriber, args: ExecutionArgs, readsAhead = false): Promise<Subscribed> {
  const validated = validateSubscriptionArgs(args)
  if (!('schema' in validated)) return { errors: validated }
  // What a subscriber needs of it.
  const contextValue = args.contextValue as Context
  return await subscriber.subscribe({ ...validated, contextValue }, { readsAhead })
}

async function next(stream: AsyncGenerator<ExecutionResult>): Promise<unknown> {
  const data = (await stream.next()).value?.data
  return data?.['events'] ?? data?.['later']
}

describe('the answer to an event', () => {
  test('is executed once for all subscribers', async () => {
    const subscriber = open()
    const streams = await Promise.all(Array.from({ length: 100 }, () => subscribe(subscriber)))
    for (const { name } of events)
      expect(await Promise.all(streams.map(next))).toEqual(Array(100).fill({ name, state: 0 }))
    expect(executed).toEqual(['first', 'second', 'third'])
  })

  test('is shared by subscriptions that began at different cursors', async () => {
    const subscriber = open()
    const streams = await Promise.all(
      ['x', 'y', undefined].map((after) => subscribe(subscriber, { variables: { after } })),
    )
    await Promise.all(streams.map(next))
    expect(executed).toEqual(['first'])
  })

  test.each<[string, Asking]>([
    ['variables', { variables: { plus: 1 } }],
    ['variables, if only by null instead of nothing', { variables: { plus: null } }],
    ['account', { accountId: 'b' }],
    ['scopes', { scopes: ['READ'] }],
  ])('is not shared with another %s', async (_, other) => {
    const subscriber = open()
    const streams = [await subscribe(subscriber), await subscribe(subscriber, other)]
    const plus = Number(other.variables?.['plus'] ?? 0)
    expect(await Promise.all(streams.map(next))).toEqual([
      { name: 'first', state: 0 },
      { name: 'first', state: plus },
    ])
    expect(executed).toEqual(['first', 'first'])
  })

  test('is shared regardless of the order of the scopes', async () => {
    const subscriber = open()
    const streams = [await subscribe(subscriber), await subscribe(subscriber, { scopes: ['CLAIM', 'READ'] })]
    await Promise.all(streams.map(next))
    expect(executed).toEqual(['first'])
  })

  test('is never older than a subscriber that asks for it', async () => {
    const subscriber = open()
    const [quick, slow] = [await subscribe(subscriber), await subscribe(subscriber)]
    expect(await next(quick)).toEqual({ name: 'first', state: 0 })
    state = 7
    expect(await next(slow)).toEqual({ name: 'first', state: 7 })
    expect(executed).toEqual(['first', 'first'])
  })
})

describe('a subscription that reads ahead', () => {
  test('has the events answered together that have happened while its client waits, and in order', async () => {
    const stream = await subscribe(open(), { readsAhead: true })
    expect(await next(stream)).toEqual({ name: 'first', state: 0 })
    await expect.poll(() => executed).toEqual(['first', 'second', 'third'])
    state = 7
    expect(await next(stream)).toEqual({ name: 'second', state: 0 })
    expect(await next(stream)).toEqual({ name: 'third', state: 0 })
    expect(await stream.next()).toEqual({ done: true })
  })

  test('is at most one event ahead of a client that does not ask for more', async () => {
    const asked = parse('subscription { later { name state } }')
    const stream = await subscribe(open(), { asked, readsAhead: true })
    expect(await next(stream)).toEqual({ name: 'first', state: 0 })
    happen.resolve()
    await expect.poll(() => executed).toEqual(['first', 'second'])
    expect(read).toEqual(['first', 'second'])
    state = 7
    expect(await next(stream)).toEqual({ name: 'second', state: 0 })
    expect(await next(stream)).toEqual({ name: 'third', state: 7 })
    await stream.return(undefined)
  })
})

test('an event does not wait for other work of the key', async () => {
  const subscriber = open()
  // On its clock, nothing ever takes long.
  const scheduler = new Scheduler(() => 0)
  for (let i = 0; i < 100; i++) void scheduler.run('key of a', () => new Promise(() => undefined))
  expect(await next(await subscribe(subscriber, { scheduler }))).toEqual({ name: 'first', state: 0 })
})

describe('while the database is unavailable', () => {
  test('an event waits for it and is sent complete', async () => {
    const subscriber = open()
    away = 1
    const streams = [await subscribe(subscriber), await subscribe(subscriber)]
    expect(await Promise.all(streams.map(next))).toEqual(Array(2).fill({ name: 'first', state: 0 }))
    expect(executed).toEqual(['first', 'first'])
  })

  test('nothing waits once the service is closed', async () => {
    const subscriber = open()
    away = 100
    subscriber.close()
    const stream = await subscribe(subscriber)
    const { value } = await stream.next()
    expect(value?.errors?.[0]?.originalError).toBeInstanceOf(DatabaseUnavailableError)
  })
})

describe('a subscription that cannot start', () => {
  test('says why', async () => {
    const subscriber = open()
    const ask = (text: string) =>
      begin(subscriber, { schema, document: parse(text), contextValue: { accountId: 'a', scopes: [] } })
    expect(await ask('subscription { refused }')).toMatchObject({ errors: [{ message: 'No.' }] })
    expect(await ask('subscription A { refused } subscription B { refused }')).toMatchObject({
      errors: [{ message: expect.stringContaining('operation') }],
    })
  })
})

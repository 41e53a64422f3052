import {
  type Exchange,
  gql,
  makeOperation,
  makeResult,
  type Operation,
  type OperationResult,
} from '@urql/core'
import { expect, test } from 'vitest'
import { empty, makeSubject, merge, mergeMap, pipe, type Source, subscribe } from 'wonka'
import { forwardOnly } from '../../src/console/api/forward-only.ts'

/** A page that asks for tasks and is told of them, by a service whose answers the test gives. */
class Page {
  /** The statuses that have been shown, in order; those of several tasks separated by spaces. */
  readonly shown: string[] = []
  /** The operations that the service has received and not answered. */
  readonly #received: Operation[] = []
  readonly #operations = makeSubject<Operation>()
  readonly #answers = makeSubject<OperationResult>()
  #key = 0

  constructor() {
    const service: Exchange = () => (operations) => {
      const receive = (operation: Operation): Source<OperationResult> => {
        this.#received.push(operation)
        return empty
      }
      return merge([pipe(operations, mergeMap(receive)), this.#answers.source])
    }
    const input = {} as Parameters<Exchange>[0]
    pipe(
      forwardOnly({ ...input, forward: service(input) })(this.#operations.source),
      subscribe(({ data }) => this.shown.push(data.tasks.map(({ status }: Task) => status).join(' '))),
    )
  }

  get unanswered(): number {
    return this.#received.length
  }

  send(kind: 'query' | 'subscription'): void {
    const request = { key: ++this.#key, query: gql`{ tasks { id status } }`, variables: {} }
    this.#operations.next(makeOperation(kind, request, { url: '', requestPolicy: 'network-only' }))
  }

  /** Answers the operation that was received first, with the statuses of tasks. */
  answer(...statuses: string[]): void {
    const operation = this.#received.shift()
    if (operation === undefined) throw new Error('Nothing is to be answered.')
    const tasks = statuses.map((status, id) => ({ __typename: 'Task', id: String(id), status }))
    this.#answers.next(makeResult(operation, { data: { tasks } }))
  }

  /** Tells the page of an event. */
  tell(...statuses: string[]): void {
    this.send('subscription')
    this.#received.unshift(...this.#received.splice(-1))
    this.answer(...statuses)
  }
}

interface Task {
  status: string
}

test('a query whose answer arrives after later news is sent again', () => {
  const page = new Page()
  page.send('query')
  page.tell('COMPLETED')
  page.answer('AWAITING_EXECUTION')
  expect(page.shown).toEqual(['COMPLETED'])
  page.answer('COMPLETED')
  expect(page.shown).toEqual(['COMPLETED', 'COMPLETED'])
  expect(page.unanswered).toBe(0)
})

test('it is sent once more for news that arrive while it is sent again', () => {
  const page = new Page()
  page.send('query')
  page.tell('RUNNING')
  page.answer('AWAITING_EXECUTION')
  page.tell('COMPLETED')
  page.answer('RUNNING')
  page.answer('COMPLETED')
  expect(page.shown).toEqual(['RUNNING', 'COMPLETED', 'COMPLETED'])
  expect(page.unanswered).toBe(0)
})

test('a task that goes on is shown as it does', () => {
  const page = new Page()
  const query = (status: string) => {
    page.send('query')
    page.answer(status)
  }
  query('AWAITING_EXECUTION')
  page.tell('RUNNING')
  query('RUNNING')
  query('COMPLETED')
  query('UNDONE')
  expect(page.shown).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'RUNNING', 'COMPLETED', 'UNDONE'])
  expect(page.unanswered).toBe(0)
})

test('a task that has gone back, as a restored backup makes it, is shown as queries that are sent then find it', () => {
  const page = new Page()
  page.tell('COMPLETED', 'COMPLETED')
  page.send('query')
  page.answer('CANCELLED', 'COMPLETED')
  page.send('query')
  page.answer('CANCELLED', 'UNDONE')
  expect(page.shown).toEqual(['COMPLETED COMPLETED', 'CANCELLED COMPLETED', 'CANCELLED UNDONE'])
  expect(page.unanswered).toBe(0)
})

test('a query that was on its way while a task went back is sent again once', () => {
  const page = new Page()
  page.send('query')
  page.tell('COMPLETED')
  page.answer('CANCELLED')
  page.answer('CANCELLED')
  expect(page.shown).toEqual(['COMPLETED', 'CANCELLED'])
  expect(page.unanswered).toBe(0)
})

test('of two queries that are on their way, each is judged by when it was sent', () => {
  const page = new Page()
  page.send('query')
  page.tell('COMPLETED')
  page.send('query')
  page.answer('RUNNING')
  page.answer('CANCELLED')
  page.answer('CANCELLED')
  expect(page.shown).toEqual(['COMPLETED', 'CANCELLED', 'CANCELLED'])
  expect(page.unanswered).toBe(0)
})

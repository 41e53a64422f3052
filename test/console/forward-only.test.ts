import { type Exchange, gql, makeOperation, makeResult, type Operation } from '@urql/core'
import { expect, test } from 'vitest'
import { filter, fromArray, makeSubject, mergeMap, pipe, subscribe } from 'wonka'
import { forwardOnly } from '../../src/console/api/forward-only.ts'

/** The statuses of a task that a page shows while answers with `statuses` arrive, each for an operation of a kind. */
function shown(statuses: readonly (readonly ['query' | 'subscription', string])[]): string[] {
  const answers = [...statuses]
  const arrived: string[] = []
  const answer: Exchange = () => (operations) =>
    pipe(
      operations,
      filter(() => answers.length > 0),
      mergeMap((operation) => {
        const [, status] = answers.shift() ?? []
        const data = { tasks: { edges: [{ node: { __typename: 'Task', id: 'a', status } }] } }
        return fromArray([makeResult(operation, { data })])
      }),
    )
  const { source, next } = makeSubject<Operation>()
  const exchange = forwardOnly({
    forward: answer({} as Parameters<Exchange>[0]),
  } as Parameters<Exchange>[0])
  pipe(
    exchange(source),
    subscribe(({ data }) => arrived.push(data.tasks.edges[0].node.status)),
  )
  let key = 0
  while (answers.length > 0) {
    const [kind] = answers[0] ?? ['query']
    const request = { key: ++key, query: gql`{ tasks { edges { node { id status } } } }`, variables: {} }
    next(makeOperation(kind, request, { url: '', requestPolicy: 'network-only' }))
  }
  return arrived
}

test('a query whose answer arrives after later news is sent again', () => {
  const late = [
    ['subscription', 'COMPLETED'],
    ['query', 'AWAITING_EXECUTION'],
    ['query', 'COMPLETED'],
  ] as const
  expect(shown(late)).toEqual(['COMPLETED', 'COMPLETED'])
})

test('a task that goes on is shown as it does', () => {
  const course = [
    ['query', 'AWAITING_EXECUTION'],
    ['subscription', 'RUNNING'],
    ['query', 'RUNNING'],
    ['query', 'COMPLETED'],
    ['query', 'UNDONE'],
  ] as const
  expect(shown(course)).toEqual(['AWAITING_EXECUTION', 'RUNNING', 'RUNNING', 'COMPLETED', 'UNDONE'])
})

import type { TadaDocumentNode } from 'gql.tada'
import type { Client, CombinedError } from 'urql'
import { problemsOf } from '../api/read-problems.ts'
import { text } from '../text.ts'
import { passes, pause, placeIsLost } from './resuming.ts'

/** What is read to begin with, and the events after it. */
export interface FollowedDocuments<State extends { eventCursor: string }, Event, Variables> {
  state: TadaDocumentNode<State, Variables>
  events: TadaDocumentNode<{ poolEvents: Event }, Variables & { after?: string | null }>
}

/** Who is told of events. */
export interface Follower<State, Event> {
  /** The state to begin with. It comes again whenever events may have been missed: what was known before is out of date. */
  begin(state: State): void
  /** What has happened since then: every event in order, and once, but for those that `begin` has already brought. */
  next(event: Event): void
  /** The state cannot be read for the moment. That is tried again. */
  wait?(): void
  /** The events have ended for good. */
  fail(message: string): void
}

/**
 * Reads a state with its `eventCursor`, and follows the events after it, over lost connections too, until the function that
 * is returned is called.
 */
export function follow<
  State extends { eventCursor: string },
  Event,
  Variables extends Record<string, unknown>,
>(
  client: Client,
  documents: FollowedDocuments<State, Event, Variables>,
  variables: Variables,
  follower: Follower<State, Event>,
): () => void {
  let hasLeft = false
  let leave = () => {}

  const begin = async (failures: number): Promise<void> => {
    const { data, error } = await client.query(documents.state, variables, { requestPolicy: 'network-only' })
    if (hasLeft) return
    if (data === undefined || error !== undefined) {
      // Without a network there is no code: the same request may work in a moment.
      if (error?.networkError === undefined && !passes(error?.graphQLErrors)) {
        follower.fail(messageOf(error))
        return
      }
      follower.wait?.()
      await pause(failures)
      if (!hasLeft) await begin(failures + 1)
      return
    }
    follower.begin(data)
    const events = client.subscription(documents.events, { ...variables, after: data.eventCursor })
    leave = events.subscribe(({ data, error }) => {
      // Looked at first: with an error comes the data of the last event once more.
      if (error !== undefined) end(error)
      else if (data !== undefined) follower.next(data.poolEvents)
    }).unsubscribe
  }

  const end = (error: CombinedError) => {
    leave()
    if (placeIsLost(error.graphQLErrors)) void begin(0)
    else follower.fail(messageOf(error))
  }

  void begin(0)
  return () => {
    hasLeft = true
    leave()
  }
}

/** Why events have ended, for people. */
export function messageOf(error: CombinedError | undefined): string {
  if (error === undefined) return text.common.noAnswer
  return [...new Set(problemsOf(error).map(({ message }) => message))].join(' ')
}

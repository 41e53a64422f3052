import { useThrottledCallback } from '@mantine/hooks'
import { useRef, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useEvents } from '../live/events.tsx'
import { TaskDetails, type TaskOfPage } from './task-details.ts'

const TasksQuery = graphql(
  `
    query TasksOfPool($poolId: ID!, $after: String) {
      tasks(poolId: $poolId, first: 20, after: $after) {
        totalCount
        edges {
          node {
            ...TaskDetails
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [TaskDetails],
)

const NewTasksQuery = graphql(
  `
    query NewTasks($ids: [ID!]!) {
      nodes(ids: $ids) {
        ... on Task {
          ...TaskDetails
        }
      }
    }
  `,
  [TaskDetails],
)

/** As many as one request may ask for. With more, the list is read from its beginning. */
const maxNew = 100

/** However fast a pool is refilled, its new tasks are read no more often than this. */
const minIntervalMs = 500

/**
 * The tasks of a pool, newest first, with those that are created meanwhile. `more` reads the next page; it is undefined if
 * there is none.
 */
export function useTasksOfPool(poolId: string) {
  const [after, setAfter] = useState<string | null>(null)
  // They are not read with the pages again: each page goes on where the one before it ended when it was read.
  const newest = useRef<readonly string[]>([])
  const [newIds, setNewIds] = useState(newest.current)
  const showNew = useThrottledCallback(() => setNewIds(newest.current), minIntervalMs)
  const [result, again] = useQuery({
    query: TasksQuery,
    variables: { poolId, after },
    requestPolicy: 'cache-and-network',
  })
  const [{ data: added }] = useQuery({
    query: NewTasksQuery,
    variables: { ids: [...newIds] },
    pause: newIds.length === 0,
  })
  const listed = result.data?.tasks.edges.map(({ node }) => node) ?? []
  const readFromStart = () => {
    newest.current = []
    setNewIds([])
    if (after === null) again({ requestPolicy: 'network-only' })
    else setAfter(null)
  }
  useEvents((news) => {
    if (news === 'missed') return readFromStart()
    if (news.__typename !== 'TaskStatusChangedEvent' || news.pool.id !== poolId) return
    const { id } = news.task
    if (newest.current.includes(id) || listed.some((task) => task.id === id)) return
    if (newest.current.length === maxNew) return readFromStart()
    newest.current = [id, ...newest.current]
    showNew()
  })
  const isTask = (node: object | null): node is TaskOfPage => node !== null && 'trigger' in node
  const newTasks = newIds.length === 0 ? [] : (added?.nodes ?? []).filter(isTask)
  const knownIds = new Set(newTasks.map(({ id }) => id))
  const pageInfo = result.data?.tasks.pageInfo
  return {
    result: [result, again] as const,
    tasks: [...newTasks, ...listed.filter(({ id }) => !knownIds.has(id))],
    more: pageInfo?.hasNextPage === true ? () => setAfter(pageInfo.endCursor) : undefined,
  }
}

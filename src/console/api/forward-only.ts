import type { Exchange, Operation, OperationResult } from '@urql/core'
import { filter, makeSubject, merge, pipe } from 'wonka'

// The statuses of a task, in the order in which it goes through them.
const order = ['AWAITING_EXECUTION', 'RUNNING', 'CANCELLED', 'COMPLETED', 'FAILED', 'UNDONE']

// Few pages ever see as many.
const maxTasks = 10_000

/**
 * Keeps tasks from going back: an answer to a query can arrive after events that happened later, as it takes another way. If it
 * shows a task in a status from before one that has arrived already, the query is sent again.
 */
export const forwardOnly: Exchange = ({ forward }) => {
  const seen = new Map<string, number>()
  const isBehind = (task: Task) => order.indexOf(task.status) < (seen.get(task.id) ?? -1)
  const note = (task: Task) => {
    if (seen.size === maxTasks) seen.clear()
    seen.set(task.id, Math.max(order.indexOf(task.status), seen.get(task.id) ?? -1))
  }
  return (operations) => {
    const again = makeSubject<Operation>()
    const arrives = ({ operation, data }: OperationResult) => {
      const tasks = [...tasksOf(data)]
      if (operation.kind === 'query' && tasks.some(isBehind)) {
        again.next(operation)
        return false
      }
      for (const task of tasks) note(task)
      return true
    }
    return pipe(merge([operations, again.source]), forward, filter(arrives))
  }
}

interface Task {
  id: string
  status: string
}

function* tasksOf(value: unknown): Generator<Task, void> {
  if (typeof value !== 'object' || value === null) return
  if (isTask(value)) yield value
  for (const inner of Object.values(value)) yield* tasksOf(inner)
}

function isTask(value: object): value is Task {
  return '__typename' in value && value.__typename === 'Task' && 'id' in value && 'status' in value
}

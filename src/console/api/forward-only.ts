import { type Exchange, makeOperation, type Operation, type OperationResult } from 'urql'
import { filter, makeSubject, map, merge, pipe } from 'wonka'

// The statuses of a task, in the order in which it goes through them.
const order = ['AWAITING_EXECUTION', 'RUNNING', 'CANCELLED', 'COMPLETED', 'FAILED', 'UNDONE']

// Few pages ever see as many.
const maxTasks = 10_000

/**
 * Keeps tasks from going back: an answer to a query can arrive after events that happened later, as it takes another way. If it
 * shows a task in a status from before one that has arrived since the query was sent, the query is sent again. The answer to a
 * query that was sent after the news is true: a restored backup does take tasks back.
 */
export const forwardOnly: Exchange = ({ forward }) => {
  // What arrives and what is sent is numbered together.
  let count = 0
  /** How far each task has come, by its id, and when that arrived. */
  const seen = new Map<string, { step: number; at: number }>()
  const sent = new WeakMap<Operation, number>()
  /** Whether the task has gone on since the query was sent. */
  const isBehind = (task: Task, sentAt: number) => {
    const last = seen.get(task.id)
    return last !== undefined && stepOf(task) < last.step && last.at > sentAt
  }
  const note = (task: Task, mayGoBack: boolean) => {
    const last = seen.get(task.id)
    const step = stepOf(task)
    if (last !== undefined && (step === last.step || (step < last.step && !mayGoBack))) return
    if (seen.size === maxTasks) seen.clear()
    seen.set(task.id, { step, at: ++count })
  }
  const numbered = (operation: Operation) => {
    if (operation.kind !== 'query') return operation
    // A copy, as the same operation can be on its way twice.
    const copy = makeOperation(operation.kind, operation)
    sent.set(copy, ++count)
    return copy
  }
  return (operations) => {
    const again = makeSubject<Operation>()
    const arrives = ({ operation, data }: OperationResult) => {
      const tasks = [...tasksOf(data)]
      const sentAt = sent.get(operation)
      if (sentAt !== undefined && tasks.some((task) => isBehind(task, sentAt))) {
        again.next(operation)
        return false
      }
      for (const task of tasks) note(task, sentAt !== undefined)
      return true
    }
    return pipe(merge([operations, again.source]), map(numbered), forward, filter(arrives))
  }
}

function stepOf({ status }: Task): number {
  return order.indexOf(status)
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

import type { TaskOfPage, TaskStatus } from './task-details.ts'

/** A status that a task goes through. */
export interface TaskStep {
  status: TaskStatus
  /** When the task came to it. Undefined if it has not yet, or if only the history of the pool knows. */
  at: string | undefined
}

type Times = Pick<TaskOfPage, 'status' | 'createdAt' | 'startedAt' | 'finishedAt'>

/** The statuses that a task has been through, oldest first, the present one last. */
export function stepsSoFar({ status, createdAt, startedAt, finishedAt }: Times): TaskStep[] {
  const steps: TaskStep[] = [{ status: 'AWAITING_EXECUTION', at: createdAt }]
  // One that was cancelled while it waited has never run.
  if (startedAt !== null) steps.push({ status: 'RUNNING', at: startedAt })
  if (finishedAt !== null)
    // Of an upload that was undone, `finishedAt` remains the time when it was completed.
    steps.push({ status: status === 'UNDONE' ? 'COMPLETED' : status, at: finishedAt })
  if (status === 'UNDONE') steps.push({ status, at: undefined })
  return steps
}

/** What a task that goes well still has before it. */
export function stepsAhead(last: TaskStatus): TaskStatus[] {
  if (last === 'AWAITING_EXECUTION') return ['RUNNING', 'COMPLETED']
  return last === 'RUNNING' ? ['COMPLETED'] : []
}

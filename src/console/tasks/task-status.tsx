import { Badge } from '@mantine/core'
import { text } from '../text.ts'
import type { TaskStatus } from './task-details.ts'

const colors: Record<TaskStatus, string> = {
  AWAITING_EXECUTION: 'gray',
  RUNNING: 'indigo',
  COMPLETED: 'green',
  FAILED: 'red',
  CANCELLED: 'gray',
  UNDONE: 'gray',
}

/** The status of a task, in the guide's words. */
export function TaskStatusBadge({ status }: { status: TaskStatus }) {
  return (
    <Badge autoContrast color={colors[status]} miw="max-content" tt="none" variant="dot">
      {text.tasks.statuses[status]}
    </Badge>
  )
}

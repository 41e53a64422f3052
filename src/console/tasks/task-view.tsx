import { Group, Progress, Stack, VisuallyHidden } from '@mantine/core'
import { useState } from 'react'
import { useQuery, useSubscription } from 'urql'
import { graphql } from '../api/graphql.ts'
import { percent } from '../intl.ts'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { CancelTaskButton } from './cancel-task.tsx'
import { stepsSoFar } from './steps.ts'
import { hasEnded, TaskDetails, type TaskOfPage } from './task-details.ts'
import { TaskResults } from './task-results.tsx'
import { TaskSteps } from './task-steps.tsx'
import { usePaced } from './use-paced.ts'

export const TaskQuery = graphql(
  `
    query TaskOfPage($id: ID!) {
      task(id: $id) {
        ...TaskDetails
      }
    }
  `,
  [TaskDetails],
)

const TaskSubscription = graphql(
  `
    subscription LiveTask($id: ID!) {
      taskUpdated(id: $id) {
        ...TaskDetails
      }
    }
  `,
  [TaskDetails],
)

interface TaskViewProps {
  taskId: string
  /** Whether the task has just been started from this page: then all of its statuses are shown, one after the other. */
  fromStart?: boolean
}

/** A task as it goes on: its statuses, each long enough to be read, then what became of it. */
export function TaskView({ taskId, fromStart = false }: TaskViewProps) {
  const result = useQuery({ query: TaskQuery, variables: { id: taskId } })
  return (
    <Loaded of={result}>
      {({ task }) =>
        task === null ? <NothingHere /> : <LiveTask fromStart={fromStart} key={task.id} task={task} />
      }
    </Loaded>
  )
}

function LiveTask({ task, fromStart }: { task: TaskOfPage; fromStart: boolean }) {
  const mayManage = useMay('MANAGE')
  // Not paused by its end, which the events of pools may tell first, without the details: those come with its last result.
  const [hadEnded] = useState(() => hasEnded(task))
  useSubscription({ query: TaskSubscription, variables: { id: task.id }, pause: hadEnded })
  const steps = stepsSoFar(task)
  const shown = steps.slice(0, usePaced(steps.length, fromStart))
  const showsEnd = shown.length === steps.length && hasEnded(task)
  const last = shown.at(-1)?.status ?? task.status
  return (
    <Stack gap="md">
      <Group align="flex-start" justify="space-between">
        <TaskSteps steps={shown} />
        {mayManage && !hasEnded(task) && <CancelTaskButton task={task} />}
      </Group>
      <VisuallyHidden role="status">
        {text.tasks.statuses[last]}
        {showsEnd && last === 'COMPLETED' && `. ${text.tasks.result(task)}`}
      </VisuallyHidden>
      {task.kind === 'UPLOAD' && !hasEnded(task) && (
        <Progress aria-label={text.tasks.progress(percent(task.progress))} value={task.progress * 100} />
      )}
      {showsEnd && <TaskResults task={task} />}
    </Stack>
  )
}

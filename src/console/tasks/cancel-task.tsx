import { Button } from '@mantine/core'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import { text } from '../text.ts'
import { TaskDetails, type TaskOfPage } from './task-details.ts'

const CancelTask = graphql(
  `
    mutation CancelTask($taskId: ID!) {
      cancelTask(input: { taskId: $taskId }) {
        __typename
        ... on CancelTaskPayload {
          task {
            ...TaskDetails
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [TaskDetails, Refusal],
)

/** Cancels a task that has not ended, after asking. */
export function CancelTaskButton({ task }: { task: TaskOfPage }) {
  const [cancel] = useSubmit(CancelTask)
  const words = text.tasks.cancel[task.kind]
  return (
    <Button
      color="red"
      onClick={() =>
        ask({
          title: words.title,
          children: words.question(task.quantity ?? '0'),
          action: words.action,
          isDestructive: true,
          act: async () => (await cancel({ taskId: task.id })).problems,
        })
      }
      size="xs"
      variant="outline"
    >
      {words.action}
    </Button>
  )
}

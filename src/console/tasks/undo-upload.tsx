import { Button, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useEffect } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { useLivePool } from '../live/pool.ts'
import { ask } from '../parts/confirm.tsx'
import { text } from '../text.ts'
import { TaskDetails, type TaskOfPage } from './task-details.ts'

const UndoQuery = graphql(`
  query AddedCodes($id: ID!) {
    task(id: $id) {
      id
      addedCodes {
        availableCount
        claimedCount
        withdrawnCount
      }
      pool {
        id
        claimedCount
      }
    }
  }
`)

const UndoUploadMutation = graphql(
  `
    mutation UndoUpload($input: UndoUploadInput!) {
      undoUpload(input: $input) {
        __typename
        ... on UndoUploadPayload {
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

/** Removes the codes of an upload from its pool, as long as nobody has any of them. */
export function UndoUpload({ task: { id, addedCount, pool } }: { task: TaskOfPage }) {
  const [{ data }, read] = useQuery({
    query: UndoQuery,
    variables: { id },
    requestPolicy: 'cache-and-network',
  })
  useLivePool(pool.id)
  const claimedOfPool = data?.task?.pool.claimedCount
  useEffect(() => {
    // Some of what has been claimed since may be of this upload.
    if (claimedOfPool !== undefined) read({ requestPolicy: 'network-only' })
  }, [claimedOfPool, read])
  const [undo] = useSubmit(UndoUploadMutation)
  const words = text.uploads.undo
  const claimedCount = data?.task?.addedCodes.claimedCount ?? '0'
  if (claimedCount !== '0')
    return (
      <Text c="dimmed" size="sm">
        {words.claimed(claimedCount)}
      </Text>
    )
  const askToUndo = () =>
    ask({
      title: words.title,
      children: words.body(addedCount, pool.name),
      action: words.confirm(addedCount),
      isDestructive: true,
      act: async () => {
        const { problems } = await undo({ input: { taskId: id } })
        if (problems === undefined) notifications.show({ message: words.done(addedCount) })
        return problems
      },
    })
  return (
    <Button color="red" onClick={askToUndo} size="xs" variant="outline">
      {words.action}
    </Button>
  )
}

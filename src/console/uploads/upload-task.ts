import { useQuery, useSubscription } from 'urql'
import { type FragmentOf, graphql } from '../api/graphql.ts'
import { TaskDetails } from '../tasks/task-details.ts'

/**
 * An upload as the page of its pool shows it. What the file begins with is only for those who may read available codes (MANAGE).
 */
export const UploadDetails = graphql(
  `
    fragment UploadDetails on Task {
      ...TaskDetails
      upload {
        waitingFor
        layout {
          headerRow
          header
          columnNumber
        }
        beginning {
          codes
          rows {
            number
            cells
          }
        }
      }
    }
  `,
  [TaskDetails],
)

export const UploadTaskQuery = graphql(
  `
    query UploadTask($id: ID!) {
      task(id: $id) {
        ...UploadDetails
      }
    }
  `,
  [UploadDetails],
)

const UploadTaskSubscription = graphql(
  `
    subscription LiveUploadTask($id: ID!) {
      taskUpdated(id: $id) {
        ...UploadDetails
      }
    }
  `,
  [UploadDetails],
)

export type UploadTask = FragmentOf<typeof UploadDetails>

/** The task of an upload, live until it has finished. */
export function useUploadTask(id: string) {
  const result = useQuery({ query: UploadTaskQuery, variables: { id } })
  // Not before: the answer to the query could arrive after news, and take it back.
  useSubscription({ query: UploadTaskSubscription, variables: { id }, pause: result[0].data === undefined })
  return result
}

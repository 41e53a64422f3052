import { type FragmentOf, graphql } from '../api/graphql.ts'

/** A task as the console shows it, on its own page and in lists. */
export const TaskDetails = graphql(`
  fragment TaskDetails on Task {
    id
    kind
    trigger
    status
    progress
    quantity
    generatedCount
    addedCount
    createdAt
    startedAt
    finishedAt
    codesUrl
    rejectedRowsUrl
    actor {
      id
      name
    }
    failure {
      code
      message
    }
    format {
      id
      name
    }
    pool {
      id
      name
    }
    upload {
      dryRun
      accepted
      duplicatesInFile
      duplicatesInAccount
      refused
      rowsRead
      warnings
    }
  }
`)

export type TaskOfPage = FragmentOf<typeof TaskDetails>
export type TaskStatus = TaskOfPage['status']

/** Whether nothing more happens to the task by itself. */
export function hasEnded({ status }: Pick<TaskOfPage, 'status'>): boolean {
  return status !== 'AWAITING_EXECUTION' && status !== 'RUNNING'
}

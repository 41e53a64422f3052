import { Select } from '@mantine/core'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { moment } from '../intl.ts'
import { text } from '../text.ts'

const TasksToChooseQuery = graphql(`
  query TasksToChoose($poolId: ID!) {
    pool(id: $poolId) {
      id
      tasks(status: [COMPLETED], first: 100) {
        edges {
          node {
            id
            kind
            addedCount
            createdAt
          }
        }
      }
    }
  }
`)

/** A choice of the tasks that have added codes to a pool, newest first. */
export function TaskSelect({
  poolId,
  ...props
}: {
  poolId: string
  value?: string
  onChange: (taskId: string) => void
}) {
  const [{ data }] = useQuery({
    query: TasksToChooseQuery,
    variables: { poolId },
    requestPolicy: 'cache-and-network',
  })
  const tasks = data?.pool?.tasks.edges.map(({ node }) => node).filter(({ addedCount }) => addedCount !== '0')
  return (
    <Select
      data={(tasks ?? []).map(({ id, kind, addedCount, createdAt }) => ({
        value: id,
        label: text.codes.taskLabel[kind](addedCount, moment(createdAt)),
      }))}
      label={text.codes.task}
      nothingFoundMessage={text.codes.noTask}
      {...props}
      onChange={(taskId) => props.onChange(taskId ?? '')}
      value={props.value === undefined || props.value === '' ? null : props.value}
    />
  )
}

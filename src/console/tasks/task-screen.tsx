import { Anchor, DataList, Group, Paper, Text } from '@mantine/core'
import { Link, useParams } from 'react-router'
import { useQuery } from 'urql'
import { count, duration } from '../intl.ts'
import { Fact } from '../parts/fact.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { Page } from '../parts/page.tsx'
import { Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import type { TaskOfPage } from './task-details.ts'
import { TaskQuery, TaskView } from './task-view.tsx'

/** A task at an address of its own. */
export function TaskScreen() {
  const { taskId = '' } = useParams()
  const result = useQuery({ query: TaskQuery, variables: { id: taskId } })
  return (
    <Loaded of={result}>{({ task }) => (task === null ? <NothingHere /> : <TaskPage task={task} />)}</Loaded>
  )
}

function TaskPage({ task }: { task: TaskOfPage }) {
  return (
    <Page
      lead={
        <Anchor component={Link} to={`/pools/${task.pool.id}/tasks`}>
          {text.tasks.ofPool(task.pool.name)}
        </Anchor>
      }
      title={text.tasks.title(task)}
    >
      <Paper p={{ base: 'md', sm: 'lg' }} withBorder>
        <TaskView key={task.id} taskId={task.id} />
      </Paper>
      <Facts task={task} />
    </Page>
  )
}

function Facts({ task }: { task: TaskOfPage }) {
  const { format, quantity, createdAt, startedAt, finishedAt } = task
  return (
    <DataList labelWidth={150}>
      <Fact label={text.tasks.startedBy}>{startedBy(task)}</Fact>
      {format !== null && (
        <Fact label={text.tasks.format}>
          <Anchor component={Link} size="sm" to={`/formats/${format.id}`}>
            {format.name}
          </Anchor>
        </Fact>
      )}
      {quantity !== null && <Fact label={text.tasks.quantity}>{count(quantity)}</Fact>}
      <Fact label={text.tasks.createdAt}>
        <Moment at={createdAt} />
      </Fact>
      {finishedAt !== null && (
        <Fact label={text.tasks.finishedAt}>
          <Group gap="xs">
            <Moment at={finishedAt} />
            {startedAt !== null && (
              <Text c="dimmed" size="sm">
                {text.tasks.took(duration(Date.parse(finishedAt) - Date.parse(startedAt)))}
              </Text>
            )}
          </Group>
        </Fact>
      )}
    </DataList>
  )
}

function startedBy({ trigger, actor }: TaskOfPage): string {
  if (actor === null) return text.tasks.triggers[trigger]
  return trigger === 'MANUAL' ? actor.name : text.tasks.triggerAfter(text.tasks.triggers[trigger], actor.name)
}

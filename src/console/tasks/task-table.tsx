import { Anchor, Stack, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { count, percent } from '../intl.ts'
import { Distance } from '../parts/time.tsx'
import { text } from '../text.ts'
import { hasEnded, type TaskOfPage } from './task-details.ts'
import { TaskStatusBadge } from './task-status.tsx'

interface TaskTableProps {
  tasks: readonly TaskOfPage[]
  /** Whether there is only room for two columns, as on a phone. */
  isCompact?: boolean
}

/** Tasks as rows that lead to their pages. */
export function TaskTable({ tasks, isCompact = false }: TaskTableProps) {
  const wide = isCompact ? { display: 'none' } : { visibleFrom: 'sm' as const }
  return (
    <Table aria-label={text.tasks.tasks} verticalSpacing="sm">
      <Table.Thead {...wide}>
        <Table.Tr>
          <Table.Th>{text.tasks.task}</Table.Th>
          <Table.Th>{text.tasks.status}</Table.Th>
          <Table.Th ta="right">{text.tasks.added}</Table.Th>
          <Table.Th>{text.tasks.createdAt}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tasks.map((task) => (
          <TaskRow isCompact={isCompact} key={task.id} task={task} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function TaskRow({ task, isCompact }: { task: TaskOfPage; isCompact: boolean }) {
  const added = addedOf(task)
  const narrow = isCompact ? {} : { hiddenFrom: 'sm' as const }
  return (
    <Table.Tr>
      <Table.Td>
        <Stack gap={2}>
          <Anchor component={Link} size="sm" style={{ overflowWrap: 'anywhere' }} to={`/tasks/${task.id}`}>
            {text.tasks.title(task)}
          </Anchor>
          {task.trigger === 'AUTO_GENERATE' && (
            <Text c="dimmed" size="xs">
              {text.tasks.triggers.AUTO_GENERATE}
            </Text>
          )}
          <Text c="dimmed" size="xs" {...narrow}>
            <Distance at={task.createdAt} />
          </Text>
        </Stack>
      </Table.Td>
      <Table.Td>
        <Stack align="flex-start" gap={2}>
          <TaskStatusBadge status={task.status} />
          {added !== '' && (
            <Text c="dimmed" size="xs" {...narrow}>
              {text.tasks.addedShort(added)}
            </Text>
          )}
        </Stack>
      </Table.Td>
      {!isCompact && (
        <>
          <Table.Td ta="right" visibleFrom="sm">
            {added}
          </Table.Td>
          <Table.Td visibleFrom="sm">
            <Text c="dimmed" size="sm">
              <Distance at={task.createdAt} />
            </Text>
          </Table.Td>
        </>
      )}
    </Table.Tr>
  )
}

/** How many codes a task has added, or how far it is. */
function addedOf(task: TaskOfPage): string {
  if (task.status === 'RUNNING' && task.kind === 'UPLOAD') return percent(task.progress)
  return hasEnded(task) && task.upload?.dryRun !== true ? count(task.addedCount) : ''
}

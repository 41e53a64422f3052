import { Anchor, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { TaskTable } from '../tasks/task-table.tsx'
import { useTasksOfPool } from '../tasks/tasks-of-pool.ts'
import { text } from '../text.ts'

const maxShown = 4

/** The newest tasks of a pool. A refill appears here by itself. */
export function RecentTasks({ poolId }: { poolId: string }) {
  const { result, tasks } = useTasksOfPool(poolId)
  return (
    <Paper aria-labelledby="recent-tasks" component="section" p="md" withBorder>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title id="recent-tasks" order={2} size="h5">
            {text.promoCodes.recentTasks}
          </Title>
          {tasks.length > 0 && (
            <Anchor component={Link} size="sm" to={`/pools/${poolId}/tasks`}>
              {text.promoCodes.allTasks}
            </Anchor>
          )}
        </Group>
        {tasks.length > 0 ? (
          <TaskTable isCompact tasks={tasks.slice(0, maxShown)} />
        ) : (
          <Text c="dimmed" size="sm">
            {result[0].data === undefined ? text.common.loading : text.tasks.none}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

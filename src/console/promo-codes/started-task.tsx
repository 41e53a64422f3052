import { Anchor, Group, Paper, Stack, Title } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { TaskView } from '../tasks/task-view.tsx'
import { text } from '../text.ts'

/** The task that the form has started, in the place of the button that did it. */
export function StartedTask({ taskId, onEnd }: { taskId: string; onEnd: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  // The button that had the focus is gone.
  useEffect(() => heading.current?.focus(), [])
  return (
    <Paper aria-labelledby="started-task" component="section" p="md" withBorder>
      <Stack gap="md">
        <Group justify="space-between">
          <Title
            id="started-task"
            order={2}
            ref={heading}
            size="h4"
            style={{ outline: 'none' }}
            tabIndex={-1}
          >
            {text.promoCodes.task}
          </Title>
          <Anchor component={Link} size="sm" to={`/tasks/${taskId}`}>
            {text.promoCodes.openTask}
          </Anchor>
        </Group>
        <TaskView fromStart onEnd={onEnd} taskId={taskId} />
      </Stack>
    </Paper>
  )
}

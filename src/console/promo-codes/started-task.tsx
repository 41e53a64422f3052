import { Anchor, Group, Paper, Stack, Title } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { TaskView } from '../tasks/task-view.tsx'
import { text } from '../text.ts'

/** The task that the form has started. It is brought into view with the focus, as that is what somebody has pressed for. */
export function StartedTask({ taskId }: { taskId: string }) {
  const panel = useRef<HTMLDivElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
    const show = () => panel.current?.scrollIntoView({ block: 'center' })
    show()
    // What is loaded late, above it or in it, would move it out of view.
    const sizes = new ResizeObserver(() => {
      if (document.activeElement === heading.current) show()
    })
    sizes.observe(document.body)
    return () => sizes.disconnect()
  }, [])
  return (
    // As high as it will be with its results, which then come into view too.
    <Paper
      aria-labelledby="started-task"
      component="section"
      mih={{ base: 350, xs: 250 }}
      p="md"
      ref={panel}
      withBorder
    >
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
        <TaskView fromStart taskId={taskId} />
      </Stack>
    </Paper>
  )
}

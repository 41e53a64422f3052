import { Alert, Anchor, Button, Group, List, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { DownloadIcon } from '@primer/octicons-react'
import { Link } from 'react-router'
import { LongCount } from '../parts/long-count.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { RejectedRows } from './rejected-rows.tsx'
import type { TaskOfPage } from './task-details.ts'
import { UndoUpload } from './undo-upload.tsx'

/** What became of a task that has ended: its counts and where its codes are, or why there are none. */
export function TaskResults({ task }: { task: TaskOfPage }) {
  const isCompleted = task.status === 'COMPLETED'
  return (
    <Stack gap="md">
      <TaskFailure task={task} />
      {task.status === 'CANCELLED' && <Text size="sm">{text.tasks.cancelled}</Text>}
      {task.status === 'UNDONE' && <Text size="sm">{text.tasks.undone}</Text>}
      {task.upload !== null && task.upload.warnings.length > 0 && (
        <Alert color="yellow.9" variant="outline">
          <List size="sm">
            {task.upload.warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {isCompleted && <TaskCounts task={task} />}
      {isCompleted && <TaskLinks task={task} />}
      {task.upload !== null && <RejectedRows task={task} />}
    </Stack>
  )
}

function TaskFailure({ task: { failure, kind, pool } }: { task: TaskOfPage }) {
  if (failure === null) return null
  return (
    <Alert color="red" role="alert" variant="light">
      <Stack align="flex-start" gap="xs">
        <Text fw={650}>{text.tasks.failed[kind]}</Text>
        <span>{failure.message}</span>
        <Anchor
          c="inherit"
          component={Link}
          size="sm"
          to={`/pools/${pool.id}/promo-codes`}
          underline="always"
        >
          {text.tasks.again}
        </Anchor>
      </Stack>
    </Alert>
  )
}

/** The counts of a task in large figures. */
export function TaskCounts({ task }: { task: TaskOfPage }) {
  const { upload } = task
  const counts: readonly [label: string, value: string][] =
    upload === null
      ? [
          [text.tasks.generated, task.generatedCount],
          [text.tasks.added, task.addedCount],
        ]
      : [
          [upload.dryRun ? text.tasks.wouldAdd : text.tasks.added, upload.accepted],
          [text.tasks.duplicatesInFile, upload.duplicatesInFile],
          [text.tasks.duplicatesInAccount, upload.duplicatesInAccount],
          [text.tasks.refused, upload.refused],
        ]
  return (
    <SimpleGrid cols={{ base: 2, md: counts.length === 2 ? 2 : 4 }} component="dl" m={0} spacing="sm">
      {counts.map(([label, value]) => (
        <Paper component="div" key={label} p="sm" withBorder>
          <Text c="dimmed" component="dt" size="sm">
            {label}
          </Text>
          <Text component="dd" fw={650} m={0} size="xl">
            <LongCount of={value} />
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  )
}

function TaskLinks({ task }: { task: TaskOfPage }) {
  const mayManage = useMay('MANAGE')
  const hasCodes = task.addedCount !== '0'
  return (
    <Group gap="sm">
      {hasCodes && (
        <Button component={Link} size="xs" to={`/pools/${task.pool.id}/all-codes`} variant="default">
          {text.tasks.seeCodes}
        </Button>
      )}
      {hasCodes && mayManage && (
        <Button
          component="a"
          download
          href={task.codesUrl}
          leftSection={<DownloadIcon />}
          size="xs"
          variant="default"
        >
          {text.tasks.download}
        </Button>
      )}
      {hasCodes && mayManage && task.kind === 'UPLOAD' && <UndoUpload task={task} />}
    </Group>
  )
}

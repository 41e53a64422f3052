import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { RejectedRows } from '../tasks/rejected-rows.tsx'
import { TaskCounts } from '../tasks/task-results.tsx'
import { text } from '../text.ts'
import { FileName } from './file-name.tsx'
import { HowRead } from './how-read.tsx'
import type { PoolUpload } from './pool-upload.ts'
import type { ReadingSettings, UploadRequest } from './send-file.ts'
import type { UploadTask } from './upload-task.ts'
import { useReadingChoice } from './use-reading-choice.ts'

/** What the check of a file has shown, before anything is added: the file can be added, read differently, or left. */
export function Review({
  upload,
  request,
  task,
}: {
  upload: PoolUpload
  request: UploadRequest
  task: UploadTask
}) {
  const { file, settings } = request
  const { accepted = '0', warnings = [], layout = null, beginning = null } = task.upload ?? {}
  const check = (changed: ReadingSettings) => upload.check(file, changed)
  const choice = useReadingChoice({ settings, layout, rows: beginning?.rows ?? [], check })
  const isRead = task.status === 'COMPLETED'
  const label =
    task.status === 'CANCELLED'
      ? text.uploads.checkCancelled
      : isRead
        ? text.uploads.wouldAdd(accepted)
        : text.uploads.checkFailed
  return (
    <Stack>
      <FileName file={file} label={label} />
      {task.failure !== null && task.failure.code !== 'HEADER_UNCLEAR' && (
        <Alert
          role="alert"
          {...(choice.mustSay ? { variant: 'default' } : { color: 'red', variant: 'light' })}
        >
          {task.failure.message}
        </Alert>
      )}
      {isRead && <TaskCounts task={task} />}
      {isRead &&
        warnings.map((warning) => (
          <Alert key={warning} variant="default">
            {warning}
          </Alert>
        ))}
      {beginning !== null && (
        <HowRead beginning={beginning} choice={choice} onCheck={check} settings={settings} task={task} />
      )}
      <Group>
        {isRead && accepted !== '0' && !choice.isChanged && (
          <Button onClick={() => upload.add(request)}>{text.uploads.add(accepted)}</Button>
        )}
        <Button onClick={() => upload.reset()} variant="default">
          {text.uploads.otherFile}
        </Button>
        <Text c="dimmed" size="sm">
          {isRead && choice.isChanged ? text.uploads.checkAgainFirst : text.uploads.checked}
        </Text>
      </Group>
      <RejectedRows task={task} />
    </Stack>
  )
}

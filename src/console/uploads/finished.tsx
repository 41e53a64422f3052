import { Button, Group, Stack, Text } from '@mantine/core'
import { TaskResults } from '../tasks/task-results.tsx'
import { text } from '../text.ts'
import { FileName } from './file-name.tsx'
import type { PoolUpload } from './pool-upload.ts'
import type { UploadTask } from './upload-task.ts'

/** The end of an upload: what was added, and what can be done now. */
export function Finished({ upload, file, task }: { upload: PoolUpload; file: File; task: UploadTask }) {
  return (
    <Stack>
      <FileName file={file} label={labelOf(task)} />
      {task.status === 'COMPLETED' && task.addedCount !== '0' && <Text size="sm">{text.uploads.areIn}</Text>}
      <TaskResults task={task} />
      <Group>
        <Button onClick={() => upload.reset()} variant="default">
          {text.uploads.another}
        </Button>
      </Group>
    </Stack>
  )
}

function labelOf({ status, addedCount }: UploadTask): string {
  if (status === 'COMPLETED')
    return addedCount === '0' ? text.uploads.doneNothing : text.uploads.done(addedCount)
  if (status === 'UNDONE') return text.uploads.undone
  return status === 'CANCELLED' ? text.uploads.cancelled : text.uploads.failed
}

import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Problems } from '../api/problems.tsx'
import type { Problem } from '../api/read-problems.ts'
import { useSubmit } from '../api/submit.ts'
import { text } from '../text.ts'
import { FileName } from './file-name.tsx'
import { CancelUploadMutation, type PoolUpload } from './pool-upload.ts'
import type { UploadRequest } from './send-file.ts'
import { UploadProgress } from './upload-progress.tsx'
import type { UploadTask } from './upload-task.ts'

/** While the service reads a file that has arrived. */
export function Reading({
  upload,
  request: { file, dryRun },
  task,
}: {
  upload: PoolUpload
  request: UploadRequest
  task: UploadTask
}) {
  const [cancel, isCancelling] = useSubmit(CancelUploadMutation)
  const [problems, setProblems] = useState<readonly Problem[]>([])
  const label = dryRun ? text.uploads.checking : text.uploads.adding
  const waitingFor = task.upload?.waitingFor
  const stop = async () => {
    const { problems = [] } = await cancel({ input: { taskId: task.id } })
    setProblems(problems)
    if (problems.length > 0) return
    if (dryRun) upload.reset()
    else upload.goBack()
  }
  return (
    <Stack>
      <FileName file={file} label={label} />
      {task.status === 'RUNNING' ? (
        <UploadProgress label={label} share={task.progress}>
          {waitingFor == null
            ? text.uploads.rowsRead(task.upload?.rowsRead ?? '0')
            : text.uploads.waitingFor[waitingFor]}
        </UploadProgress>
      ) : (
        <UploadProgress label={label}>
          {text.uploads.awaiting}
          {waitingFor != null && `. ${text.uploads.waitingFor[waitingFor]}`}
        </UploadProgress>
      )}
      <Text c="dimmed" size="sm">
        {dryRun ? text.uploads.nothingAddedYet : text.uploads.addedTogether} {text.uploads.mayClose}
      </Text>
      <Problems of={problems} />
      <Group>
        <Button loading={isCancelling} onClick={stop} variant="default">
          {text.uploads.stop}
        </Button>
      </Group>
    </Stack>
  )
}

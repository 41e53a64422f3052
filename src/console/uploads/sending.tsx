import { Button, Group, Stack, Text } from '@mantine/core'
import { fileSize } from '../intl.ts'
import { text } from '../text.ts'
import { FileName } from './file-name.tsx'
import type { PoolUpload, UploadStep } from './pool-upload.ts'
import { UploadProgress } from './upload-progress.tsx'

/** While the bytes of a file are sent. */
export function Sending({ upload, step }: { upload: PoolUpload; step: UploadStep & { name: 'sending' } }) {
  const { request, sentBytes, isCancelled } = step
  const { file, dryRun } = request
  const hasArrived = sentBytes >= file.size
  const label = dryRun ? text.uploads.checking : text.uploads.adding
  return (
    <Stack>
      <FileName file={file} label={label} />
      <UploadProgress label={label} {...(!hasArrived && { share: sentBytes / file.size })}>
        {hasArrived
          ? text.uploads.arriving
          : text.uploads.sendingPhase(fileSize(sentBytes), fileSize(file.size))}
      </UploadProgress>
      <Text c="dimmed" size="sm">
        {dryRun && `${text.uploads.nothingAddedYet} `}
        {text.uploads.mayLeave}
      </Text>
      <Group>
        <Button loading={isCancelled} onClick={() => upload.cancelSending()} variant="default">
          {text.uploads.stop}
        </Button>
      </Group>
    </Stack>
  )
}

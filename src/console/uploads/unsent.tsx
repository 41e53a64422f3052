import { Button, Group, Stack, Text } from '@mantine/core'
import { Problems } from '../api/problems.tsx'
import { text } from '../text.ts'
import { FileName } from './file-name.tsx'
import type { PoolUpload, UploadStep } from './pool-upload.ts'

/** When the service has refused a file, or its answer was lost. */
export function Unsent({
  upload,
  step: { request, problems },
}: {
  upload: PoolUpload
  step: UploadStep & { name: 'unsent' }
}) {
  const mayPass = problems.some(({ code }) => code === 'NETWORK' || code === 'UNAVAILABLE')
  return (
    <Stack>
      <FileName file={request.file} label={text.uploads.unsent} />
      <Problems of={problems} />
      <Group>
        {mayPass && <Button onClick={() => upload.sendAgain(request)}>{text.uploads.sendAgain}</Button>}
        <Button onClick={() => upload.reset()} variant="default">
          {text.uploads.otherFile}
        </Button>
      </Group>
      {mayPass && !request.dryRun && (
        <Text c="dimmed" size="sm">
          {text.uploads.sendAgainHint}
        </Text>
      )}
    </Stack>
  )
}

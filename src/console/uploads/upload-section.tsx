import { Alert, Paper, Stack } from '@mantine/core'
import { useObserved } from '../api/observable.ts'
import { Loaded } from '../parts/loaded.tsx'
import { useUnsavedChanges } from '../parts/unsaved-changes.tsx'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { hasEnded } from '../tasks/task-details.ts'
import { text } from '../text.ts'
import { FileDrop } from './file-drop.tsx'
import { Finished } from './finished.tsx'
import type { PoolUpload, UploadStep } from './pool-upload.ts'
import { Reading } from './reading.tsx'
import { Review } from './review.tsx'
import { Sending } from './sending.tsx'
import { Steps } from './steps.tsx'
import { Unsent } from './unsent.tsx'
import { useUploadTask } from './upload-task.ts'
import { usePoolUpload } from './uploads.ts'

/** The method "Upload from a file" of a pool's Promo Codes section: from choosing a file to what became of it. */
export function UploadSection({ pool }: { pool: PoolOfPage }) {
  const upload = usePoolUpload(pool.id)
  const step = useObserved(upload.step)
  // While it is being sent, it goes on; from then until its codes are added, somebody may take it for done.
  useUnsavedChanges(step.name === 'sent' && step.request.dryRun, 'upload')
  if (pool.archivedAt !== null && step.name === 'choosing')
    return <Alert variant="default">{text.uploads.archived}</Alert>
  return (
    <Stack>
      <Steps of={step} />
      <Paper p={{ base: 'md', sm: 'lg' }} withBorder>
        <Step step={step} upload={upload} />
      </Paper>
    </Stack>
  )
}

function Step({ upload, step }: { upload: PoolUpload; step: UploadStep }) {
  switch (step.name) {
    case 'choosing':
      return <FileDrop onFile={(file) => upload.check(file)} />
    case 'sending':
      return <Sending key={step.request.idempotencyKey} step={step} upload={upload} />
    case 'unsent':
      return <Unsent step={step} upload={upload} />
    case 'sent':
      return <Sent key={step.taskId} step={step} upload={upload} />
  }
}

function Sent({
  upload,
  step: { request, taskId },
}: {
  upload: PoolUpload
  step: UploadStep & { name: 'sent' }
}) {
  const result = useUploadTask(taskId)
  return (
    <Loaded of={result}>
      {({ task }) => {
        if (task === null) return null
        if (!hasEnded(task)) return <Reading request={request} task={task} upload={upload} />
        if (request.dryRun) {
          // Events may tell that a task has ended before it is known how its file was read: what is chosen begins with that.
          const { layout = null, beginning = null } = task.upload ?? {}
          const known = `${layout !== null} ${beginning !== null}`
          return <Review key={known} request={request} task={task} upload={upload} />
        }
        return <Finished file={request.file} task={task} upload={upload} />
      }}
    </Loaded>
  )
}

import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { CombinedError, UseQueryState } from 'urql'
import { problemsOf } from '../api/read-problems.ts'
import { text } from '../text.ts'

/**
 * What a query has brought: a skeleton until then, and what is wrong if it failed. Data from before stay while it is read again,
 * and beside what is wrong if that fails.
 */
export function Loaded<Data>({
  of: [{ data, error, fetching }, again],
  skeleton,
  children,
}: {
  of: readonly [UseQueryState<Data>, (options?: { requestPolicy?: 'network-only' }) => void]
  skeleton?: ReactNode
  children: (data: Data) => ReactNode
}) {
  if (data === undefined && (error === undefined || fetching)) return <Loading skeleton={skeleton} />
  return (
    <>
      {error !== undefined && (
        <Failed
          again={() => again({ requestPolicy: 'network-only' })}
          error={error}
          isOutOfDate={data !== undefined}
          isReading={fetching}
        />
      )}
      {data !== undefined && children(data)}
    </>
  )
}

interface FailedProps {
  error: CombinedError
  /** Whether something is shown that was read before. */
  isOutOfDate?: boolean
  isReading?: boolean
  again: () => void
}

/** What is wrong with a query that failed, and a way to ask again. */
export function Failed({ error, isOutOfDate = false, isReading = false, again }: FailedProps) {
  return (
    <Alert
      color="red"
      mb="md"
      role="alert"
      variant="light"
      {...(isOutOfDate && { title: text.common.outOfDate })}
    >
      <Stack gap="sm">
        {problemsOf(error).map(({ message }) => (
          <Text key={message} size="sm">
            {message}
          </Text>
        ))}
        <Group>
          <Button color="red" loading={isReading} onClick={again} size="xs" variant="light">
            {text.common.retry}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}

/** What is shown until there is something to show: a skeleton of it, or of any text. */
export function Loading({ skeleton }: { skeleton?: ReactNode }) {
  return (
    <div aria-busy="true" aria-label={text.common.loading} role="status">
      {skeleton ?? (
        <Stack gap="sm">
          <Skeleton height={28} width="40%" />
          <Skeleton height={18} />
          <Skeleton height={18} />
          <Skeleton height={18} width="70%" />
        </Stack>
      )}
    </div>
  )
}

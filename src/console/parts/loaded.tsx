import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { UseQueryState } from 'urql'
import { problemsOf } from '../api/read-problems.ts'
import { text } from '../text.ts'

/**
 * What a query has brought: a skeleton until then, and what is wrong if it failed. Data from before is shown while it is
 * read again.
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
  if (data !== undefined) return children(data)
  if (error !== undefined && !fetching)
    return (
      <Alert color="red" role="alert" variant="light">
        <Stack gap="sm">
          {problemsOf(error).map(({ message }) => (
            <Text key={message} size="sm">
              {message}
            </Text>
          ))}
          <Group>
            <Button
              color="red"
              onClick={() => again({ requestPolicy: 'network-only' })}
              size="xs"
              variant="light"
            >
              {text.common.retry}
            </Button>
          </Group>
        </Stack>
      </Alert>
    )
  return <Loading skeleton={skeleton} />
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

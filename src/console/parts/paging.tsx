import { Button, Group } from '@mantine/core'
import { ChevronLeftIcon, ChevronRightIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { text } from '../text.ts'

/** Where in a list a page is: the cursors that led there. */
export interface Paging {
  after: string | null
  isFirst: boolean
  next: (endCursor: string) => void
  previous: () => void
}

/**
 * The place in a list that is shown a page at a time, for lists that may be of any length. It begins anew when `list`, which
 * says what is listed, changes.
 */
export function usePaging(list: string): Paging {
  const [{ of, cursors }, setPlace] = useState<{ of: string; cursors: readonly string[] }>({
    of: list,
    cursors: [],
  })
  const path = of === list ? cursors : []
  const go = (to: readonly string[]) => setPlace({ of: list, cursors: to })
  return {
    after: path.at(-1) ?? null,
    isFirst: path.length === 0,
    next: (endCursor) => go([...path, endCursor]),
    previous: () => go(path.slice(0, -1)),
  }
}

/** Buttons to the pages before and after. Nothing for a list of a single page. */
export function Pager({
  paging,
  pageInfo: { hasNextPage, endCursor },
}: {
  paging: Paging
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}) {
  if (paging.isFirst && !hasNextPage) return null
  return (
    <Group component="nav" gap="xs" justify="flex-end" {...{ 'aria-label': text.common.pages }}>
      <Button
        disabled={paging.isFirst}
        leftSection={<ChevronLeftIcon />}
        onClick={paging.previous}
        size="xs"
        variant="default"
      >
        {text.common.previous}
      </Button>
      <Button
        disabled={!hasNextPage || endCursor === null}
        onClick={() => endCursor !== null && paging.next(endCursor)}
        rightSection={<ChevronRightIcon />}
        size="xs"
        variant="default"
      >
        {text.common.next}
      </Button>
    </Group>
  )
}

/** The button below a list to which it adds the next page. */
export function More({ read, isReading }: { read: () => void; isReading: boolean }) {
  return (
    <Group justify="center">
      <Button loading={isReading} onClick={read} variant="default">
        {text.common.more}
      </Button>
    </Group>
  )
}

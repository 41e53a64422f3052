import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { Empty } from './empty.tsx'

/** For an address that leads to nothing, or to something of another account; with children, for another reason. */
export function NothingHere({ children = text.common.notFound }: { children?: ReactNode }) {
  return (
    <Empty
      action={
        <Button component={Link} to="/">
          {useMay('READ') ? text.common.toPools : text.common.toWelcome}
        </Button>
      }
      isPage
      title={text.common.notFoundTitle}
    >
      {children}
    </Empty>
  )
}

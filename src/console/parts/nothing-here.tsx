import { Button } from '@mantine/core'
import { Link } from 'react-router'
import { text } from '../text.ts'
import { Empty } from './empty.tsx'

/** For an address that leads to nothing, or to something of another account. */
export function NothingHere() {
  return (
    <Empty
      action={
        <Button component={Link} to="/">
          {text.common.toPools}
        </Button>
      }
      isPage
      title={text.common.notFoundTitle}
    >
      {text.common.notFound}
    </Empty>
  )
}

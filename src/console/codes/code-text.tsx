import { Anchor, Group } from '@mantine/core'
import { Link } from 'react-router'
import { Copy } from '../parts/copy.tsx'
import { useKeepable } from '../parts/entry-state.ts'
import { text } from '../text.ts'
import type { Sought } from './look-up/sought.ts'

/** A code that leads to all that is known of it, and can be copied. Not in the address, which browsers keep. */
export function CodeText({ code }: { code: string }) {
  const keepable = useKeepable()
  const sought: Sought = { kind: 'code', typed: code, isAskedFor: true }
  return (
    <Group gap={4} wrap="nowrap">
      <Anchor
        component={Link}
        ff="monospace"
        // Also where one is there already, so that the way back is that to the list.
        replace={false}
        size="sm"
        state={keepable(sought)}
        // Longer ones than people type may break anywhere.
        style={code.length > 32 ? { overflowWrap: 'anywhere' } : { whiteSpace: 'nowrap' }}
        to="/codes"
      >
        {code}
      </Anchor>
      <Copy value={code} what={text.codes.theCode(code)} />
    </Group>
  )
}

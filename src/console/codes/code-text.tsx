import { Anchor, Group } from '@mantine/core'
import { Link } from 'react-router'
import { Copy } from '../parts/copy.tsx'
import { text } from '../text.ts'

/** A code that leads to all that is known of it, and can be copied. Not in the address, which browsers keep. */
export function CodeText({ code }: { code: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Anchor
        component={Link}
        ff="monospace"
        size="sm"
        state={{ code }}
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

import { Badge, Group } from '@mantine/core'
import {
  ArchiveIcon,
  CheckCircleFillIcon,
  CheckCircleIcon,
  ClockIcon,
  type Icon,
  InboxIcon,
  XCircleIcon,
} from '@primer/octicons-react'
import { text } from '../text.ts'
import type { Validity } from './code-fields.ts'

/** The look of each validity. Colours only repeat what the words and the icon say. */
export const looks: Readonly<Record<Validity, { icon: Icon; color: string }>> = {
  VALID: { icon: CheckCircleIcon, color: 'teal' },
  REDEEMED: { icon: CheckCircleFillIcon, color: 'indigo' },
  VOIDED: { icon: XCircleIcon, color: 'red' },
  EXPIRED: { icon: ClockIcon, color: 'orange' },
  NOT_CLAIMED: { icon: InboxIcon, color: 'gray' },
  WITHDRAWN: { icon: ArchiveIcon, color: 'gray' },
}

/** Whether a code is good and, if not, why, in a word. */
export function ValidityBadge({ validity }: { validity: Validity }) {
  const { icon: Sign, color } = looks[validity]
  return (
    <Badge fw={500} miw="max-content" size="lg" tt="none" variant="default">
      <Group component="span" gap={6} wrap="nowrap">
        <Group c={`var(--mantine-color-${color}-6)`} component="span">
          <Sign />
        </Group>
        {text.codes.validities[validity]}
      </Group>
    </Badge>
  )
}

import { DataList } from '@mantine/core'
import type { ReactNode } from 'react'

/**
 * A row of a `DataList`: what is known of a thing, beside its name. Long names are wrapped and long words broken, so that it fits
 * a narrow screen.
 */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <DataList.Item>
      <DataList.ItemLabel maw="var(--data-list-label-width)">{label}</DataList.ItemLabel>
      <DataList.ItemValue miw={0} style={{ overflowWrap: 'anywhere' }}>
        {children}
      </DataList.ItemValue>
    </DataList.Item>
  )
}

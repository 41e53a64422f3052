import { DataList } from '@mantine/core'
import type { ReactNode } from 'react'

/** A row of a `DataList`: what is known of a thing, under its name. Long words are broken, so that it fits a narrow screen. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <DataList.Item>
      <DataList.ItemLabel>{label}</DataList.ItemLabel>
      <DataList.ItemValue miw={0} style={{ overflowWrap: 'anywhere' }}>
        {children}
      </DataList.ItemValue>
    </DataList.Item>
  )
}

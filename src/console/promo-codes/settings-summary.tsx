import { Anchor, DataList } from '@mantine/core'
import { Link } from 'react-router'
import { count } from '../intl.ts'
import { Fact } from '../parts/fact.tsx'
import { text } from '../text.ts'
import type { Settings } from './settings.ts'

/** The Promo Codes section for who may not change it, or where nothing can be added. */
export function SettingsSummary({ settings }: { settings: Settings }) {
  const { method, format, quantity, autoGenerate, refillThreshold } = settings
  const wasSaved = method === 'UPLOAD' || format !== null
  return (
    <DataList labelWidth="min(300px, 40vw)">
      <Fact label={text.promoCodes.method}>
        {wasSaved ? text.promoCodes.methods[method] : text.promoCodes.neverSaved}
      </Fact>
      {method === 'GENERATE' && wasSaved && (
        <>
          <Fact label={text.promoCodes.format}>
            {format === null ? (
              text.promoCodes.notChosen
            ) : (
              <Anchor component={Link} size="sm" to={`/formats/${format.id}`}>
                {format.name}
              </Anchor>
            )}
          </Fact>
          {format !== null && (
            <Fact label={text.formats.available}>{count(format.availableForGeneration)}</Fact>
          )}
          {quantity !== null && <Fact label={text.promoCodes.quantity}>{count(quantity)}</Fact>}
          <Fact label={text.promoCodes.autoGenerate}>
            {autoGenerate ? text.promoCodes.on(count(refillThreshold)) : text.promoCodes.off}
          </Fact>
        </>
      )}
    </DataList>
  )
}

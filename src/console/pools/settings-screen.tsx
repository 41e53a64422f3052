import { Button, Stack } from '@mantine/core'
import { ArchiveIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useEvents } from '../live/events.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Section } from '../parts/page.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useArchiving } from './archiving.tsx'
import { GeneralForm } from './general-form.tsx'
import { usePoolOfPage } from './pool-of-page.ts'
import { PoolTerms } from './terms.ts'
import { TermsForm } from './terms-form.tsx'
import { TermsSummary } from './terms-summary.tsx'

const TermsQuery = graphql(
  `
    query TermsOfPool($id: ID!) {
      pool(id: $id) {
        id
        terms {
          ...PoolTerms
        }
      }
    }
  `,
  [PoolTerms],
)

/** What a pool is called, its terms, and whether it is archived. */
export function SettingsScreen() {
  const pool = usePoolOfPage()
  const mayManage = useMay('MANAGE')
  const result = useQuery({ query: TermsQuery, variables: { id: pool.id } })
  const [, read] = result
  useEvents((news) => {
    if (news !== 'missed' && news.__typename === 'PoolChangedEvent' && news.pool.id === pool.id)
      read({ requestPolicy: 'network-only' })
  })
  return (
    <Stack gap="xl" maw={720}>
      {mayManage && (
        <Section title={text.settings.general}>
          <GeneralForm pool={pool} />
        </Section>
      )}
      <Section lead={text.settings.termsLead} title={text.settings.terms}>
        <Loaded of={result}>
          {({ pool: found }) => {
            if (found === null) return null
            return mayManage ? (
              <TermsForm poolId={pool.id} terms={found.terms} />
            ) : (
              <TermsSummary of={found.terms} />
            )
          }}
        </Loaded>
      </Section>
      {mayManage && <Archiving />}
    </Stack>
  )
}

function Archiving() {
  const pool = usePoolOfPage()
  const askToArchive = useArchiving(pool)
  const isArchived = pool.archivedAt !== null
  return (
    <Section
      lead={isArchived ? text.pools.archivedHint : text.settings.archivingHint}
      title={text.settings.archiving}
    >
      <div>
        <Button leftSection={<ArchiveIcon />} onClick={askToArchive} variant="default">
          {isArchived ? text.pools.unarchiveAction : text.pools.archiveAction}
        </Button>
      </div>
    </Section>
  )
}

import { Checkbox, Paper, Stack } from '@mantine/core'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'
import { ApiKeysQuery } from './api-keys.ts'
import { CreateKey } from './create-key.tsx'
import { KeyTable } from './key-table.tsx'

/** The API keys of the account. */
export function KeysScreen() {
  return (
    <Page actions={<CreateKey />} lead={text.account.keys.lead} title={text.shell.keys}>
      <Keys />
    </Page>
  )
}

function Keys() {
  const [isAll, setAll] = useState(false)
  // Keys have no events.
  const result = useQuery({ query: ApiKeysQuery, requestPolicy: 'cache-and-network' })
  return (
    <Loaded of={result}>
      {({ account }) => {
        const keys = account.apiKeys ?? []
        const valid = keys.filter(({ revokedAt }) => revokedAt === null)
        const revokedCount = keys.length - valid.length
        return (
          <Stack>
            <Paper withBorder>
              <KeyTable keys={isAll ? keys : valid} />
            </Paper>
            {revokedCount > 0 && (
              <Checkbox
                checked={isAll}
                label={text.account.keys.showRevoked(revokedCount)}
                onChange={({ currentTarget }) => setAll(currentTarget.checked)}
              />
            )}
          </Stack>
        )
      }}
    </Loaded>
  )
}

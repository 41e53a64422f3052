import { Button, Menu, Text } from '@mantine/core'
import { DownloadIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'

const DownloadsQuery = graphql(`
  query Downloads($poolId: ID!) {
    pool(id: $poolId) {
      id
      all: codesUrl
      claimed: codesUrl(status: CLAIMED)
      available: codesUrl(status: AVAILABLE)
      withdrawn: codesUrl(status: WITHDRAWN)
    }
  }
`)

/** The codes of the pool as files, each with what is in it. */
export function Downloads() {
  const pool = usePoolOfPage()
  const mayManage = useMay('MANAGE')
  const [{ data }] = useQuery({ query: DownloadsQuery, variables: { poolId: pool.id } })
  if (data?.pool == null) return null
  const { all, claimed, available, withdrawn } = data.pool
  const { claimedCount, availableCount, withdrawnCount } = pool
  const total = [claimedCount, availableCount, withdrawnCount].reduce((sum, n) => sum + BigInt(n), 0n)
  const words = text.codes.downloads
  const files = [
    { url: claimed, words: words.claimed(claimedCount) },
    ...(mayManage
      ? [
          { url: available, words: words.available(availableCount) },
          { url: withdrawn, words: words.withdrawn(withdrawnCount) },
          { url: all, words: words.all(total) },
        ]
      : []),
  ]
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <Button leftSection={<DownloadIcon />} variant="default">
          {words.button}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {files.map(({ url, words: { title, hint } }) => (
          <Menu.Item component="a" download href={withByteOrderMark(url)} key={url}>
            {title}
            <Text c="dimmed" size="xs">
              {hint}
            </Text>
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{words.hint}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  )
}

/** By it, spreadsheets know that the file is UTF-8. */
const withByteOrderMark = (url: string) => `${url}&bom=true`

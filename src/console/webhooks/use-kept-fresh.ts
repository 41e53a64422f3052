import { useDocumentVisibility } from '@mantine/hooks'
import type { TadaDocumentNode } from 'gql.tada'
import { useEffect } from 'react'
import { useClient } from 'urql'
import { useMay } from '../shell/viewer.tsx'

const everyMs = 5_000

/**
 * Reads again every few seconds what is on the screen, as deliveries have no events. The page's own query then has the news from
 * the cache. `query` is another one for the same: if it fails, as while the connection is lost, the page keeps what it has.
 */
export function useKeptFresh<Data, Variables extends Record<string, unknown>>(
  query: TadaDocumentNode<Data, Variables>,
  variables: Variables,
): void {
  const client = useClient()
  const isVisible = useDocumentVisibility() === 'visible'
  // A key without READ has nothing that is live: its session is to end when nobody uses the page.
  const isLive = useMay('READ')
  const asked = JSON.stringify(variables)
  useEffect(() => {
    if (!isVisible || !isLive) return
    const read = () => {
      void client.query(query, JSON.parse(asked), { requestPolicy: 'network-only' }).toPromise()
    }
    const clock = setInterval(read, everyMs)
    return () => clearInterval(clock)
  }, [client, query, asked, isVisible, isLive])
}

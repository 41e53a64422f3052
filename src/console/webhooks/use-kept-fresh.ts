import { useDocumentVisibility } from '@mantine/hooks'
import type { TadaDocumentNode } from 'gql.tada'
import { useEffect, useMemo } from 'react'
import { useClient } from 'urql'
import { useMay } from '../shell/viewer.tsx'

const everyMs = 5_000

/**
 * Reads again every few seconds what is on the screen, as deliveries have no events. The page's own query then has the news from
 * the cache. If this fails, as while the connection is lost, the page keeps what it has.
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
  const again = useMemo(() => byAnotherName(query), [query])
  useEffect(() => {
    if (!isVisible || !isLive) return
    const read = () => {
      void client.query(again, JSON.parse(asked), { requestPolicy: 'network-only' }).toPromise()
    }
    const clock = setInterval(read, everyMs)
    return () => clearInterval(clock)
  }, [client, again, asked, isVisible, isLive])
}

/** The same query by another name: urql gives the outcome of equal ones, failures included, to all who ask. */
function byAnotherName<Data, Variables>(
  query: TadaDocumentNode<Data, Variables>,
): TadaDocumentNode<Data, Variables> {
  const definitions = query.definitions.map((definition) =>
    definition.kind === 'OperationDefinition' && definition.name !== undefined
      ? { ...definition, name: { ...definition.name, value: `${definition.name.value}Again` } }
      : definition,
  )
  return { kind: query.kind, definitions }
}

import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function PoolsScreen() {
  return <Page title={text.shell.pools}>{null}</Page>
}

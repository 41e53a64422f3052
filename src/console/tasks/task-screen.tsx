import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function TaskScreen() {
  return <Page title={text.shell.pools}>{null}</Page>
}

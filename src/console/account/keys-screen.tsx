import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function KeysScreen() {
  return <Page title={text.shell.keys}>{null}</Page>
}

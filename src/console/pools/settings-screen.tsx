import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function SettingsScreen() {
  return <Page title={text.shell.pools}>{null}</Page>
}

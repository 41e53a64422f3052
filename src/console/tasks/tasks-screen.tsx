import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function TasksScreen() {
  return <Page title={text.shell.pools}>{null}</Page>
}

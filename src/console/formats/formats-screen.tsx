import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function FormatsScreen() {
  return <Page title={text.shell.formats}>{null}</Page>
}

import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function FormatScreen() {
  return <Page title={text.shell.formats}>{null}</Page>
}

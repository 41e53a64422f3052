import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export default function ActivityScreen() {
  return <Page title={text.shell.activity}>{null}</Page>
}

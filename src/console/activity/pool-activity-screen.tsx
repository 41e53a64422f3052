import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export default function PoolActivityScreen() {
  return <Page title={text.shell.activity}>{null}</Page>
}

import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'

export function PromoCodesScreen() {
  return <Page title={text.shell.codes}>{null}</Page>
}

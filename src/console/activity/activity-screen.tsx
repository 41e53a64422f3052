import { Page } from '../parts/page.tsx'
import { text } from '../text.ts'
import { Feed } from './feed.tsx'
import { TodayCard } from './today.tsx'

/** What has happened to all pools. */
export default function ActivityScreen() {
  return (
    <Page lead={text.activity.lead} title={text.shell.activity}>
      <TodayCard />
      <Feed />
    </Page>
  )
}

import { ModalsProvider } from '@mantine/modals'
import { Notifications } from '@mantine/notifications'
import { Outlet } from 'react-router'
import { LeaveGuard } from '../parts/unsaved-changes.tsx'

/** What is around all screens, also that for signing in: dialogs and notifications, which may have links. */
export function Frame() {
  return (
    <LeaveGuard>
      <ModalsProvider>
        <Notifications position="bottom-right" />
        <Outlet />
      </ModalsProvider>
    </LeaveGuard>
  )
}

import { notifications } from '@mantine/notifications'
import { useService } from '../api/service.tsx'
import { localKeyId, signOut } from '../api/session.ts'
import { ask } from '../parts/confirm.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { text } from '../text.ts'

/** Signs out. Who has no key of their own is told first how to come back. */
export function useSigningOut(): () => Promise<void> {
  const service = useService()
  const { id } = useViewer()
  const leave = async () => {
    const refusal = await signOut(service)
    // Loads the page anew, so that nothing of the account stays in memory.
    if (refusal === undefined) location.assign('/sign-in')
    return refusal
  }
  return async () => {
    if (id === localKeyId) {
      const { here } = text.account
      const act = async () => {
        const message = await leave()
        return message === undefined ? undefined : [{ code: 'REFUSED', message, path: '' }]
      }
      ask({ title: here.leaveTitle, children: here.leave, action: text.shell.signOut, act })
      return
    }
    const message = await leave()
    if (message !== undefined)
      notifications.show({ color: 'red', title: text.account.stillSignedIn, message })
  }
}

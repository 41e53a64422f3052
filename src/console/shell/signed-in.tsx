import { Activity, Suspense, useEffect, useState } from 'react'
import { Navigate, Outlet, useLocation } from 'react-router'
import { useQuery } from 'urql'
import { SignInAgain } from '../account/sign-in-again.tsx'
import { useObserved } from '../api/observable.ts'
import { useService } from '../api/service.tsx'
import { LiveEvents, LiveEventsContext } from '../live/events.tsx'
import { Loaded, Loading } from '../parts/loaded.tsx'
import { Uploads, UploadsContext } from '../uploads/uploads.ts'
import { FailureBoundary } from './failure-boundary.tsx'
import { Permitted } from './permitted.tsx'
import { Shell } from './shell.tsx'
import { ViewerContext, ViewerQuery } from './viewer.tsx'

/**
 * What only a session may see. Without one, the sign-in screen leads back to here. If the session ends while somebody works,
 * the page is hidden with what they have typed until they have signed in again.
 */
export function SignedIn() {
  const { client, sessionEnded } = useService()
  const [uploads] = useState(() => new Uploads(client))
  const { pathname, search, hash } = useLocation()
  const viewer = useQuery({ query: ViewerQuery })
  const hasEnded = useObserved(sessionEnded)
  const apiKey = useLatest(viewer[0].data?.apiKey)
  const mayRead = apiKey?.scopes.includes('READ') ?? false
  // Begun before it is known whether the key may, so that the screens need not wait for one answer after the other.
  const events = useLiveEvents(!hasEnded && (apiKey === undefined || mayRead))
  const isReady = useObserved(events.isReady) || !mayRead
  if (hasEnded && apiKey === undefined)
    return <Navigate replace state={{ from: pathname + search + hash }} to="/sign-in" />
  if (apiKey === undefined || !isReady) return <Loaded of={viewer}>{() => <Loading />}</Loaded>
  return (
    <>
      <Activity mode={hasEnded ? 'hidden' : 'visible'}>
        <ViewerContext value={apiKey}>
          <LiveEventsContext value={events}>
            <UploadsContext value={uploads}>
              <Shell>
                <FailureBoundary at={pathname}>
                  <Suspense>
                    <Permitted>
                      <Outlet />
                    </Permitted>
                  </Suspense>
                </FailureBoundary>
              </Shell>
            </UploadsContext>
          </LiveEventsContext>
        </ViewerContext>
      </Activity>
      <SignInAgain isNeeded={hasEnded} keyId={apiKey.id} />
    </>
  )
}

/** The last value that there was: once the session has ended, the key can no longer be read. */
function useLatest<T>(value: T | undefined): T | undefined {
  const [latest, setLatest] = useState(value)
  if (value === undefined || value === latest) return latest
  setLatest(value)
  return value
}

/** The events of the account while `isOn`. If some were missed, all that is on the screen is read again. */
function useLiveEvents(isOn: boolean): LiveEvents {
  const { client, reread } = useService()
  const [events] = useState(() => new LiveEvents(client))
  useEffect(() => {
    if (!isOn) return
    events.start()
    return () => events.stop()
  }, [events, isOn])
  useEffect(
    () =>
      events.listen((news) => {
        if (news === 'missed') reread()
      }),
    [events, reread],
  )
  return events
}

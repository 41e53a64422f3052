import { lazy, Suspense, useEffect, useState } from 'react'
import { Navigate, Outlet, Route, Routes, useLocation } from 'react-router'
import { useQuery } from 'urql'
import { KeysScreen } from './account/keys-screen.tsx'
import { SignInScreen } from './account/sign-in-screen.tsx'
import { useObserved } from './api/observable.ts'
import { useService } from './api/service.tsx'
import { CodesScreen } from './codes/codes-screen.tsx'
import { LookUpScreen } from './codes/look-up-screen.tsx'
import { FormatScreen } from './formats/format-screen.tsx'
import { FormatsScreen } from './formats/formats-screen.tsx'
import { LiveEvents, LiveEventsContext } from './live/events.tsx'
import { Loaded } from './parts/loaded.tsx'
import { NothingHere } from './parts/nothing-here.tsx'
import { PoolLayout } from './pools/pool-layout.tsx'
import { PoolsScreen } from './pools/pools-screen.tsx'
import { SettingsScreen } from './pools/settings-screen.tsx'
import { PromoCodesScreen } from './promo-codes/promo-codes-screen.tsx'
import { Shell } from './shell/shell.tsx'
import { ViewerContext, ViewerQuery } from './shell/viewer.tsx'
import { TaskScreen } from './tasks/task-screen.tsx'
import { TasksScreen } from './tasks/tasks-screen.tsx'
import { Uploads, UploadsContext } from './uploads/uploads.ts'

// With the chart library, which only these screens need.
const ActivityScreen = lazy(() => import('./activity/activity-screen.tsx'))
const PoolActivityScreen = lazy(() => import('./activity/pool-activity-screen.tsx'))

/** The screens by their addresses, which the server knows too (src/routes.ts). */
export function App() {
  return (
    <Routes>
      <Route element={<SignInScreen />} path="/sign-in" />
      <Route element={<SignedIn />}>
        <Route element={<PoolsScreen />} path="/" />
        <Route element={<Navigate replace to="/" />} path="/pools" />
        <Route element={<PoolLayout />} path="/pools/:poolId">
          <Route element={<Navigate replace to="promo-codes" />} index />
          <Route element={<PromoCodesScreen />} path="promo-codes" />
          <Route element={<TasksScreen />} path="tasks" />
          <Route element={<CodesScreen />} path="all-codes" />
          <Route element={<PoolActivityScreen />} path="activity" />
          <Route element={<SettingsScreen />} path="settings" />
        </Route>
        <Route element={<TaskScreen />} path="/tasks/:taskId" />
        <Route element={<FormatsScreen />} path="/formats" />
        <Route element={<FormatScreen />} path="/formats/:formatId" />
        <Route element={<LookUpScreen />} path="/codes" />
        <Route element={<ActivityScreen />} path="/activity" />
        <Route element={<KeysScreen />} path="/keys" />
        <Route element={<NothingHere />} path="*" />
      </Route>
    </Routes>
  )
}

/** What only a session may see. Without one, the sign-in screen leads back to here. */
function SignedIn() {
  const { client, sessionEnded } = useService()
  const here = useLocation()
  const viewer = useQuery({ query: ViewerQuery })
  const [events] = useState(() => new LiveEvents(client))
  const [uploads] = useState(() => new Uploads(client))
  const mayRead = viewer[0].data?.apiKey.scopes.includes('READ') ?? false
  useEffect(() => {
    if (!mayRead) return
    events.start()
    return () => events.stop()
  }, [events, mayRead])
  if (useObserved(sessionEnded)) return <Navigate replace state={{ from: here.pathname }} to="/sign-in" />
  return (
    <Loaded of={viewer}>
      {({ apiKey }) => (
        <ViewerContext value={apiKey}>
          <LiveEventsContext value={events}>
            <UploadsContext value={uploads}>
              <Shell>
                <Suspense>
                  <Outlet />
                </Suspense>
              </Shell>
            </UploadsContext>
          </LiveEventsContext>
        </ViewerContext>
      )}
    </Loaded>
  )
}

import { lazy } from 'react'
import { createRoutesFromElements, Navigate, Route } from 'react-router'
import { SignInScreen } from './account/sign-in-screen.tsx'
import { loadOtherScreens } from './load-other-screens.ts'
import { NothingHere } from './parts/nothing-here.tsx'
import { PoolsScreen } from './pools/pools-screen.tsx'
import { ScreenFailed } from './shell/failure-boundary.tsx'
import { Frame } from './shell/frame.tsx'
import { SignedIn } from './shell/signed-in.tsx'

/** A screen that is loaded with the others, after the pools: these are shown sooner without them. */
function other(name: keyof typeof import('./other-screens.ts')) {
  return lazy(async () => ({ default: (await loadOtherScreens())[name] }))
}

const CodesScreen = other('CodesScreen')
const FormatScreen = other('FormatScreen')
const FormatsScreen = other('FormatsScreen')
const KeysScreen = other('KeysScreen')
const LookUpScreen = other('LookUpScreen')
const PoolLayout = other('PoolLayout')
const PromoCodesScreen = other('PromoCodesScreen')
const SettingsScreen = other('SettingsScreen')
const TaskScreen = other('TaskScreen')
const TasksScreen = other('TasksScreen')
const WebhookScreen = other('WebhookScreen')
const WebhooksScreen = other('WebhooksScreen')

// With the chart library, which only these screens need.
const ActivityScreen = lazy(() => import('./activity/activity-screen.tsx'))
const PoolActivityScreen = lazy(() => import('./activity/pool-activity-screen.tsx'))

/** The screens by their addresses, which the server knows too (src/routes.ts). */
export const routes = createRoutesFromElements(
  <Route element={<Frame />} errorElement={<ScreenFailed />}>
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
      <Route element={<WebhooksScreen />} path="/webhooks" />
      <Route element={<WebhookScreen />} path="/webhooks/:webhookId" />
      <Route element={<NothingHere />} path="*" />
    </Route>
  </Route>,
)

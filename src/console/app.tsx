import { lazy } from 'react'
import { Navigate, Route, Routes } from 'react-router'
import { SignInScreen } from './account/sign-in-screen.tsx'
import { NothingHere } from './parts/nothing-here.tsx'
import { PoolLayout } from './pools/pool-layout.tsx'
import { PoolsScreen } from './pools/pools-screen.tsx'
import { SignedIn } from './shell/signed-in.tsx'

// Loaded when they are opened, so that the pools are there soon. The chart library comes with the activity.
const KeysScreen = lazy(async () => ({ default: (await import('./account/keys-screen.tsx')).KeysScreen }))
const LookUpScreen = lazy(async () => ({
  default: (await import('./codes/look-up-screen.tsx')).LookUpScreen,
}))
const CodesScreen = lazy(async () => ({ default: (await import('./codes/codes-screen.tsx')).CodesScreen }))
const FormatScreen = lazy(async () => ({
  default: (await import('./formats/format-screen.tsx')).FormatScreen,
}))
const FormatsScreen = lazy(async () => ({
  default: (await import('./formats/formats-screen.tsx')).FormatsScreen,
}))
const SettingsScreen = lazy(async () => ({
  default: (await import('./pools/settings-screen.tsx')).SettingsScreen,
}))
const PromoCodesScreen = lazy(async () => ({
  default: (await import('./promo-codes/promo-codes-screen.tsx')).PromoCodesScreen,
}))
const TaskScreen = lazy(async () => ({ default: (await import('./tasks/task-screen.tsx')).TaskScreen }))
const TasksScreen = lazy(async () => ({ default: (await import('./tasks/tasks-screen.tsx')).TasksScreen }))
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

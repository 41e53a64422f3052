import { lazy } from 'react'
import { Navigate, Route, Routes } from 'react-router'
import { KeysScreen } from './account/keys-screen.tsx'
import { SignInScreen } from './account/sign-in-screen.tsx'
import { CodesScreen } from './codes/codes-screen.tsx'
import { LookUpScreen } from './codes/look-up-screen.tsx'
import { FormatScreen } from './formats/format-screen.tsx'
import { FormatsScreen } from './formats/formats-screen.tsx'
import { NothingHere } from './parts/nothing-here.tsx'
import { PoolLayout } from './pools/pool-layout.tsx'
import { PoolsScreen } from './pools/pools-screen.tsx'
import { SettingsScreen } from './pools/settings-screen.tsx'
import { PromoCodesScreen } from './promo-codes/promo-codes-screen.tsx'
import { SignedIn } from './shell/signed-in.tsx'
import { TaskScreen } from './tasks/task-screen.tsx'
import { TasksScreen } from './tasks/tasks-screen.tsx'

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

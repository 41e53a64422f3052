// All screens but the first, without the charts. They are loaded together.

export { KeysScreen } from './account/keys-screen.tsx'
export { CodesScreen } from './codes/codes-screen.tsx'
export { LookUpScreen } from './codes/look-up-screen.tsx'
export { FormatScreen } from './formats/format-screen.tsx'
export { FormatsScreen } from './formats/formats-screen.tsx'
export { PoolLayout } from './pools/pool-layout.tsx'
export { SettingsScreen } from './pools/settings-screen.tsx'
export { PromoCodesScreen } from './promo-codes/promo-codes-screen.tsx'
export { TaskScreen } from './tasks/task-screen.tsx'
export { TasksScreen } from './tasks/tasks-screen.tsx'
export { WebhookScreen } from './webhooks/webhook-screen.tsx'
export { WebhooksScreen } from './webhooks/webhooks-screen.tsx'

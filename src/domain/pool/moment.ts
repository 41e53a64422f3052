import type { TaskSnapshot } from '../books/event-log.ts'
import type { FormatUse } from '../format/format.ts'
import type { Pool } from './pool.ts'

/** What a transaction has left behind, as far as it moves on: how the nodes stood at the moment that an answer tells of. */
export interface Moment {
  pool?: Pool
  format?: FormatUse
  task?: TaskSnapshot
}

/** A task that was accepted. A request that is sent again has no moment: that was when it was first sent. */
export interface Accepted {
  taskId: string
  moment?: Moment
}

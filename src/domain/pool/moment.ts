import type { TaskSnapshot } from '../books/event-log.ts'
import type { Format } from '../format/format.ts'
import type { Pool } from './pool.ts'

/** The nodes of an answer as the transaction left them. They may have changed by the time that the answer is built. */
export interface Moment {
  pool?: Pool
  format?: Format
  task?: TaskSnapshot
}

/** A task that was accepted. A repeated request, with an idempotencyKey, has no moment: that was at the first one. */
export interface Accepted {
  taskId: string
  moment?: Moment
}

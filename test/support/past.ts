import { runSql } from './database.ts'
import type { TestService } from './service.ts'

/** Moves all that has happened into the past by a number of whole hours, as if that much time had gone by since. */
export async function letHoursPass(service: TestService, hours: number): Promise<void> {
  const ago = `- interval '${hours} hours'`
  const far = `interval '1000 years'`
  await runSql(
    service.databaseUrl,
    `UPDATE pool SET created_at = created_at ${ago}, last_change_at = last_change_at ${ago};
     UPDATE stock_change SET at = at ${ago};
     UPDATE claim SET at = at ${ago};
     UPDATE event SET at = at ${ago};
     UPDATE task SET created_at = created_at ${ago}, started_at = started_at ${ago}, finished_at = finished_at ${ago};
     UPDATE redemption SET at = at ${ago};
     -- In two steps, as two quarters of an hour must not have the same count for a moment.
     UPDATE redemption_count SET quarter = quarter + ${far};
     UPDATE redemption_count SET quarter = quarter - ${far} ${ago};`,
  )
}

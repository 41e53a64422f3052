import { orphansAreKeptMs } from '../upload/file.ts'
import { join, type TableChecks } from './finding.ts'

// A file that never became an upload is removed by the next housekeeping after this.
const orphansRemain = `interval '${2 * orphansAreKeptMs} milliseconds'`

export const uploadChecks: readonly TableChecks[] = [
  {
    // One per page: an upload may have millions of codes.
    walk: {
      table: 'task',
      columns:
        'account_id, id, status, dry_run, rows_read, accepted, duplicates_in_file, duplicates_in_account, refused, has_work, rejected_forgotten, bytes, bytes_read',
      key: { account_id: 'uuid', id: 'uuid' },
      where: "kind = 'UPLOAD'",
      pageSize: 1,
    },
    again: true,
    checks: {
      'upload-counters': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN rows_read <> accepted + rejected OR least(accepted, duplicates_in_file, duplicates_in_account, refused) < 0
            THEN format('upload %s has read %s rows, and counts %s accepted and %s rejected', id, rows_read, accepted,
              rejected) END,
          CASE WHEN NOT bytes_read BETWEEN 0 AND bytes
            THEN format('upload %s has read %s bytes of %s', id, bytes_read, bytes) END,
          CASE WHEN NOT rejected_forgotten AND listed <> rejected OR first < 1 OR last > max_lines
            THEN format('upload %s has rejected %s rows of %s, and lists %s, from %s to %s', id, rejected, rows_read,
              listed, first, last)
            WHEN rejected_forgotten AND (listed > CASE WHEN has_work THEN rejected ELSE 0 END OR status IN ('AWAITING_EXECUTION', 'RUNNING'))
              THEN format('upload %s, %s, has forgotten the %s rows that it has rejected, and lists %s', id, status, rejected,
                listed) END)
        FROM (
          SELECT *, duplicates_in_file + duplicates_in_account + refused AS rejected,
            -- Empty lines count as rows, and gzip compresses at most 1,032 bytes into one.
            1032 * bytes + 1 AS max_lines
          FROM page
        ) AS upload
        CROSS JOIN LATERAL (
          SELECT count(*) AS listed, min(number) AS first, max(number) AS last FROM rejected_row
          WHERE account_id = $1 AND task_id = upload.id
        ) AS rows`,
      // That the batches follow each other is checked with them: see pools.ts.
      'upload-line': `
        SELECT account_id, format('upload %s, %s, has accepted %s codes, and its batches end at %s', id, status, accepted,
          laid)
        FROM page CROSS JOIN LATERAL (SELECT coalesce((
          SELECT first + count FROM batch
          WHERE account_id = $1 AND task_id = page.id AND format_id IS NULL ORDER BY first DESC LIMIT 1
        ), 0) AS laid) AS batches
        WHERE laid <> CASE WHEN status = 'COMPLETED' AND NOT dry_run THEN accepted ELSE 0 END`,
      // An upload that is cleared away loses its last rows first.
      'upload-rows': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN kept <> coalesce(last + 1, 0) OR coalesce(first, 0) <> 0 OR kept > max_codes
              OR kept < max_codes AND status IN ('RUNNING', 'COMPLETED')
            THEN format('upload %s, %s, has accepted %s codes, and there are %s, in rows %s to %s', id, status, accepted,
              kept, first, last) END,
          CASE WHEN noted > max_notes OR noted < max_notes AND status = 'RUNNING'
            THEN format('upload %s, %s, has accepted %s codes, and has noted %s', id, status, accepted, noted) END)
        FROM (
          SELECT *,
            CASE WHEN dry_run OR NOT has_work AND status <> 'COMPLETED' THEN 0 ELSE accepted END AS max_codes,
            CASE WHEN dry_run AND has_work THEN accepted ELSE 0 END AS max_notes
          FROM page
        ) AS upload
        CROSS JOIN LATERAL (
          SELECT count(*) AS kept, min("row") AS first, max("row") AS last FROM uploaded_code
          WHERE account_id = $1 AND task_id = upload.id
        ) AS codes
        CROSS JOIN LATERAL (
          SELECT count(*) AS noted FROM dry_run_code WHERE account_id = $1 AND task_id = upload.id
        ) AS notes`,
      'upload-remains': `
        SELECT page.account_id, CASE
          WHEN piece.exists
            THEN format('upload %s has nothing left to be done, and its file is still kept', id)
          WHEN status IN ('AWAITING_EXECUTION', 'RUNNING')
            THEN format('upload %s is %s, and no worker would see it', id, status)
        END
        FROM page LEFT JOIN LATERAL (
          SELECT true AS exists FROM upload_piece WHERE account_id = $1 AND task_id = page.id LIMIT 1
        ) AS piece ON true
        WHERE NOT has_work`,
    },
  },
  rowsOf('uploaded_code', '"row"', 'numeric', { 'upload-reference': ofNoUpload('uploaded codes') }),
  rowsOf('upload_piece', 'number', 'bigint', {
    // While a file arrives, there is no task of its id, which begins with the time. Nor is there if its process is killed then.
    'upload-reference': ofNoUpload(
      'pieces of a file',
      `AND (kind IS NOT NULL OR task_id > ${firstIdOf("now() + interval '1 day'")})`,
    ),
    'upload-remains': `
      SELECT page.account_id, format('the file %s has never become an upload, and %s pieces of it are still kept', task_id, count(*))
      FROM page ${join('task', 'kind')}
      WHERE kind IS NULL AND task_id < ${firstIdOf(`now() - ${orphansRemain}`)}
      GROUP BY page.account_id, task_id`,
  }),
  rowsOf('dry_run_code', 'code', 'text', { 'upload-reference': ofNoUpload('codes of a dry run') }),
  rowsOf('rejected_row', 'number', 'bigint', { 'upload-reference': ofNoUpload('rejected rows') }),
]

/** Checks the rows of a table that came from files. */
function rowsOf(
  table: string,
  key: string,
  type: 'numeric' | 'bigint' | 'text',
  checks: TableChecks['checks'],
): TableChecks {
  return {
    walk: {
      table,
      columns: `account_id, task_id, ${key}`,
      key: { account_id: 'uuid', task_id: 'uuid', [key]: type },
      pageSize: 10_000,
    },
    checks,
  }
}

/** Finds rows that belong to no upload. */
function ofNoUpload(rows: string, condition = ''): string {
  return `
    SELECT page.account_id, format('%s ${rows} are of task %s, which is no upload', count(*), task_id)
    FROM page ${join('task', 'kind')}
    WHERE kind IS DISTINCT FROM 'UPLOAD' ${condition} GROUP BY page.account_id, task_id`
}

/** `firstIdOf` of upload/file.ts in SQL. */
function firstIdOf(time: string): string {
  return `(lpad(to_hex((1000 * extract(epoch FROM ${time}))::bigint), 12, '0') || '70008000000000000000')::uuid`
}

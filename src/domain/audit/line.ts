/** Rows of a table that belong together if they have the same `of`, in the order of `by`: the columns of an index. */
export interface Line {
  table: string
  of: readonly string[]
  by: string
  /** The condition of a partial index. */
  where?: string
}

/**
 * SQL, a check: the rows of each line, of `count` places from `by` on, follow each other from 0 on. `says.whole` is SQL for
 * what they are parts of. `where`: which rows of the page are checked.
 */
export function lineCheck(
  line: Line,
  says: { whole: string; gap: string; overlap: string },
  where = 'true',
): string {
  const { table, of, by } = line
  return `
    SELECT account_id, CASE
      WHEN count < 1 THEN format('%s: the ${table} at %s is of %s codes', ${says.whole}, ${by}, count)
      WHEN ${by} > reached THEN format('%s: ${says.gap}', ${says.whole}, reached, ${by} - 1)
      WHEN ${by} < reached
        THEN format('%s: ${says.overlap}', ${says.whole}, ${by}, least(reached, ${by} + count) - 1)
    END
    FROM (
      SELECT page.*, coalesce(
        max(${by} + count) OVER (
          PARTITION BY ${of} ORDER BY ${by} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        ${onEarlierPage(line, `${by} + count`)},
        0
      ) AS reached
      FROM page
    ) AS line
    WHERE ${where}`
}

/** SQL: the value of the row before one of `page` in its line; NULL for the first one of a line. */
export function before(line: Line, value: string): string {
  return `coalesce(
    lag(${value}) OVER (PARTITION BY ${line.of} ORDER BY ${line.by}),
    ${onEarlierPage(line, value)}
  )`
}

/** SQL, for the first row of its line on a page: the one before it is on an earlier page, or does not exist. */
function onEarlierPage({ table, of, by, where = 'true' }: Line, value: string): string {
  return `(
    SELECT ${value} FROM ${table} AS before
    WHERE before.account_id = $1 AND ${of.map((column) => `before.${column} = page.${column}`).join(' AND ')}
      AND before.${by} < page.${by} AND ${where}
    ORDER BY before.${by} DESC LIMIT 1
  )`
}

/** SQL: the value of the last of those rows of a table that fulfil the condition. */
export function last({ table, by }: Pick<Line, 'table' | 'by'>, value: string, condition: string): string {
  return `(SELECT ${value} FROM ${table} WHERE ${condition} ORDER BY ${by} DESC LIMIT 1)`
}

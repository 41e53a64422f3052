import type { ClaimedRow } from './claimed-row.ts'

/**
 * Rows as CSV (RFC 4180), with the names of columns and the guard against formulas of the service's own
 * downloads, which must stay the same (test/console/csv.test.ts).
 */
export function csvOf(rows: readonly ClaimedRow[]): string {
  const lines = [
    ['code', 'recipient', 'already_held'],
    ...rows.map(({ code, recipient, alreadyHeld }) => [code, recipient ?? '', String(alreadyHeld)]),
  ]
  const byteOrderMark = '\uFEFF'
  return byteOrderMark + lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')
}

const sign = '[=+\\-@＝＋－＠﹦﹢﹣﹫−]'
const start = new RegExp(`^'*(?:\\s*${sign}|[\\t\\r\\n])`)
const inner = new RegExp(`(?<=[,;\\t\\r\\n]\\s*)'*(?=${sign})`, 'g')

/** With an apostrophe wherever a spreadsheet could take a cell, or a part of one, for a formula. */
function guarded(value: string): string {
  const within = value.replace(inner, "'$&")
  return start.test(within) ? `'${within}` : within
}

function cellOf(value: string): string {
  const cell = guarded(value)
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

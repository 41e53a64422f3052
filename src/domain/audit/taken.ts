import type { Pool } from 'pg'
import type { CodeSpace } from '../../codespace/codespace.ts'
import { looseKey } from '../../codespace/loose-form.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import type { Transaction } from '../../database/transaction.ts'
import type { Keyring } from '../../keys/keyring.ts'
import { identityOf } from '../format/identity.ts'
import { readTaken } from '../format/taken-indices.ts'
import { comesAfter, readCodesOf, readUploaded } from '../format/uploaded-codes.ts'
import { type FormatKey, openCodeSpace } from './codespace.ts'
import type { AuditedAccount, Finding } from './finding.ts'
import { onSnapshot } from './walk.ts'

const maxPage = 10_000
const maxSpaces = 1_000

/** What the checks of an account share. */
interface Checking extends AuditedAccount {
  readonly keyring: Keyring
  readonly size: number
  /** Code spaces by format; undefined for a damaged format, which checkCodeSpaces reports. */
  readonly spaces: Map<string, CodeSpace | undefined>
}

// In a distributed database, the statements of a transaction are not on one snapshot: what is written meanwhile can look like a
// contradiction, but not several times.
const maxAttempts = 3

/**
 * Checks what PostgreSQL cannot compute of the uploaded codes of an account: that the index of each code is taken in the format
 * that can produce it, that each index taken ahead of a format belongs to an uploaded code, and that codes are stored with their
 * keys. Each page is read on one snapshot with what it is compared with: see `pages`. Findings contain no codes. `filled`: the
 * tables in which the account has rows.
 */
export async function checkTaken(
  connections: Pool,
  { accountId, accountName }: AuditedAccount,
  options: { filled: ReadonlySet<string>; keyring: Keyring; pageSize: number },
  onFinding: (finding: Finding) => void,
): Promise<void> {
  const { filled, keyring, pageSize } = options
  const size = Math.min(pageSize, maxPage)
  const checking: Checking = { accountId, accountName, keyring, size, spaces: new Map() }
  const readPage = (check: PageCheck, after: RowKey | undefined) =>
    onSnapshot(connections, (tx) => check(tx, checking, after))
  for (const { table, check } of checks) {
    if (!filled.has(table)) continue
    let after: RowKey | undefined
    do {
      let page = await readPage(check, after)
      for (let attempt = 1; page.findings.length > 0 && attempt < maxAttempts; attempt++)
        page = await readPage(check, after)
      for (const { kind, what } of page.findings) onFinding({ kind, accountId, accountName, what })
      after = page.last
      if (checking.spaces.size > maxSpaces) checking.spaces.clear()
    } while (after !== undefined)
  }
}

/** The key of a row after the account: task and row of an uploaded code; format and index of a taken index. */
type RowKey = [string, string]

interface CheckedPage {
  findings: Pick<Finding, 'kind' | 'what'>[]
  /** The key of the last row; undefined when there is no next page. */
  last: RowKey | undefined
}

type PageCheck = (tx: Transaction, checking: Checking, after: RowKey | undefined) => Promise<CheckedPage>

type UploadedRow = {
  task: string
  row: string
  code: string
  typed: string
  identity: string | null
  loose: string | null
  caseSensitive: boolean | null
}

async function checkUploadedPage(
  tx: Transaction,
  checking: Checking,
  after: RowKey | undefined,
): Promise<CheckedPage> {
  const { accountId, size } = checking
  const rows = await tx.rows<UploadedRow>({
    text: `
      SELECT task_id AS task, row, code, typed, identity, loose,
        (SELECT case_sensitive FROM catalog WHERE account_id = $1) AS "caseSensitive"
      FROM uploaded_code
      WHERE account_id = $1 ${after === undefined ? '' : 'AND (task_id, row) > ($3::uuid, $4::numeric)'}
      ORDER BY account_id, task_id, row LIMIT $2`,
    values: [accountId, size, ...(after ?? [])],
  })
  const findings = checkKeys(rows)
  const lengths = [...new Set(rows.map(({ code }) => code.length))]
  for (const format of await readFormats(tx, accountId, 'length = ANY($2)', [lengths])) {
    const space = spaceOf(checking, format)
    if (space === undefined) continue
    const indices = space.indicesOf(rows.map(({ code }) => code))
    const wanted = indices.filter((index) => index !== undefined)
    const taken = await readTaken(tx, accountId, format.id, wanted)
    const missing = rows.filter(({ code }, at) => {
      const index = indices[at]
      return index !== undefined && !taken.has(index) && !isStillToBeTaken(format, index, code)
    })
    const [first] = missing
    if (first === undefined) continue
    const what =
      `format ${format.id} can produce ${missing.length} uploaded codes whose indices are not taken, the first in ` +
      `row ${first.row} of upload ${first.task}`
    findings.push({ kind: 'taken-codes', what })
  }
  const last = rows.length < size ? undefined : rows.at(-1)
  return { findings, last: last && [last.task, last.row] }
}

/** Whether a worker still has to take the index of a code that was uploaded before the format was created. */
function isStillToBeTaken({ next, takenTo }: TakenFormat, index: bigint, code: string): boolean {
  return takenTo !== null && index >= BigInt(next) && comesAfter(code, takenTo)
}

/**
 * Checks the counter of indices taken ahead in formats for which earlier uploaded codes are still being processed: it
 * counts all of them from the beginning.
 */
async function checkUnready(tx: Transaction, checking: Checking): Promise<CheckedPage> {
  const findings: CheckedPage['findings'] = []
  const { accountId } = checking
  for (const format of await readFormats(tx, accountId, 'taken_to IS NOT NULL', [])) {
    const space = spaceOf(checking, format)
    if (space === undefined) continue
    const { id, next, takenAhead } = format
    let ahead = 0
    for await (const codes of readCodesOf(tx, accountId, space.pattern))
      ahead += space.indicesOf(codes).filter((index) => index !== undefined && index >= BigInt(next)).length
    if (BigInt(takenAhead) === BigInt(ahead)) continue
    const what = `format ${id} counts ${takenAhead} uploaded codes ahead of it, and there are ${ahead}`
    findings.push({ kind: 'format-counters', what })
  }
  return { findings, last: undefined }
}

/** Checks that uploaded codes are stored with the keys by which they and their duplicates are found. */
function checkKeys(rows: readonly UploadedRow[]): CheckedPage['findings'] {
  const stray = rows.filter((row) => !hasItsKeys(row))
  const [first] = stray
  if (first === undefined) return []
  const what =
    `${stray.length} uploaded codes are stored with other keys than those they are looked up by, the first in row ` +
    `${first.row} of upload ${first.task}`
  return [{ kind: 'upload-keys', what }]
}

function hasItsKeys({ code, typed, identity, loose, caseSensitive }: UploadedRow): boolean {
  if (typed !== typedKey(code) || (loose ?? typed) !== looseKey(code)) return false
  if ((identity ?? code) === identityOf(code, false)) return true
  // A code from before identities existed, or of a case-sensitive upload.
  const mayDiffer = identity === null ? !/^[ -~]*$/.test(code) : identity === identityOf(code, true)
  return mayDiffer && caseSensitive !== false
}

async function checkTakenPage(
  tx: Transaction,
  checking: Checking,
  after: RowKey | undefined,
): Promise<CheckedPage> {
  const { accountId, size } = checking
  const rows = await tx.rows<{ format: string; index: string; ahead: boolean | null }>({
    text: `
      SELECT format_id AS format, index, (
        SELECT index >= next FROM format WHERE account_id = $1 AND id = format_id LIMIT 1
      ) AS ahead
      FROM taken
      WHERE account_id = $1 ${after === undefined ? '' : 'AND (format_id, index) > ($3::uuid, $4::numeric)'}
      ORDER BY account_id, format_id, index LIMIT $2`,
    values: [accountId, size, ...(after ?? [])],
  })
  const findings: CheckedPage['findings'] = []
  const ahead = rows.filter((row) => row.ahead === true)
  for (const [id, own] of Map.groupBy(ahead, ({ format }) => format)) {
    const [format] = await readFormats(tx, accountId, 'id = $2', [id])
    const space = format && spaceOf(checking, format)
    if (space === undefined) continue
    // Indices beyond the format are reported as taken-reference.
    const indices = own
      .map(({ index }) => BigInt(index))
      .filter((index) => index >= 0n && index < space.capacity)
    const codes = space.codesOf(indices)
    const uploaded = await readUploaded(tx, accountId, codes)
    const missing = indices.filter((_index, at) => !uploaded.has(codes[at] as string))
    if (missing.length === 0) continue
    const what = `format ${id} has ${missing.length} indices taken that belong to no uploaded code, the first is ${missing[0]}`
    findings.push({ kind: 'taken-codes', what })
  }
  const last = rows.length < size ? undefined : rows.at(-1)
  return { findings, last: last && [last.format, last.index] }
}

/** Each check, and the table without whose rows there is nothing to check. */
const checks: readonly { table: string; check: PageCheck }[] = [
  { table: 'uploaded_code', check: checkUploadedPage },
  { table: 'taken', check: checkTakenPage },
  { table: 'format', check: checkUnready },
]

interface TakenFormat extends FormatKey {
  next: string
  takenAhead: string
  takenTo: string | null
}

/** The formats of an account that fulfil a condition, whose parameters begin with $2. */
async function readFormats(
  tx: Transaction,
  accountId: string,
  condition: string,
  values: unknown[],
): Promise<TakenFormat[]> {
  return await tx.rows<TakenFormat>({
    text: `
      SELECT account_id AS "accountId", id, pattern, characters, length, version, encode(key, 'hex') AS key,
        wrapped_by AS "wrappedBy", first_code AS "firstCode", capacity::text, next, taken_ahead AS "takenAhead", taken_to AS "takenTo"
      FROM format WHERE account_id = $1 AND ${condition} ORDER BY id`,
    values: [accountId, ...values],
  })
}

function spaceOf({ spaces, keyring }: Checking, format: FormatKey): CodeSpace | undefined {
  if (!spaces.has(format.id)) {
    const opened = openCodeSpace(format, keyring)
    spaces.set(format.id, typeof opened === 'string' ? undefined : opened)
  }
  return spaces.get(format.id)
}

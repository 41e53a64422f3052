import type { Pool } from 'pg'
import type { CodeSpace } from '../../codespace/codespace.ts'
import { looseKey } from '../../codespace/loose-form.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import { type Transaction, transaction } from '../../database/transaction.ts'
import type { Keyring } from '../../keys/keyring.ts'
import { identityOf } from '../format/identity.ts'
import { readTaken } from '../format/taken-indices.ts'
import { comesAfter, readCodesOf, readUploaded } from '../format/uploaded-codes.ts'
import { type FormatKey, openCodeSpace } from './codespace.ts'
import { type Finding, join } from './finding.ts'
import { settings } from './walk.ts'

const maxPage = 10_000
const maxSpaces = 1_000

/** Code spaces by format; undefined for a damaged format, which checkCodeSpaces reports. */
interface Spaces {
  readonly open: Map<string, CodeSpace | undefined>
  readonly keyring: Keyring
}

/**
 * Checks what PostgreSQL cannot compute of uploaded codes: that the index of each code is taken in the format that can
 * produce it, that each index taken ahead of a format belongs to an uploaded code, and that codes are stored with their
 * keys. Each page is read on one snapshot with what it is compared with: see `pages`. Findings contain no codes.
 */
export async function checkTaken(
  connections: Pool,
  keyring: Keyring,
  onFinding: (finding: Finding) => void,
  pageSize: number,
): Promise<void> {
  const size = Math.min(pageSize, maxPage)
  const spaces: Spaces = { open: new Map(), keyring }
  for (const check of [checkUploadedPage, checkTakenPage, checkUnready]) {
    let after: RowKey | undefined
    do {
      const page = await transaction(connections, async (tx) => {
        await tx.execute({ text: settings })
        return await check(tx, spaces, after, size)
      })
      for (const finding of page.findings) onFinding(finding)
      after = page.last
      if (spaces.open.size > maxSpaces) spaces.open.clear()
    } while (after !== undefined)
  }
}

/** The key of a row: account, task and row of an uploaded code; account, format and index of a taken index. */
type RowKey = [string, string, string]

interface CheckedPage {
  findings: Finding[]
  /** The key of the last row; undefined when there is no next page. */
  last: RowKey | undefined
}

type UploadedRow = {
  account: string
  accountName: string | null
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
  spaces: Spaces,
  after: RowKey | undefined,
  size: number,
): Promise<CheckedPage> {
  const rows = await tx.rows<UploadedRow>({
    text: `
      SELECT account_id AS account, task_id AS task, row, code, typed, identity, loose,
        account.name AS "accountName", catalog.case_sensitive AS "caseSensitive"
      FROM uploaded_code ${join('account', 'name', 'uploaded_code')}
      LEFT JOIN LATERAL (
        SELECT case_sensitive FROM catalog WHERE account_id = uploaded_code.account_id LIMIT 1
      ) AS catalog ON true
      ${after === undefined ? '' : 'WHERE (account_id, task_id, row) > ($2::uuid, $3::uuid, $4::numeric)'}
      ORDER BY account_id, task_id, row LIMIT $1`,
    values: [size, ...(after ?? [])],
  })
  const findings: Finding[] = []
  for (const [account, own] of Map.groupBy(rows, (row) => row.account)) {
    findings.push(...checkKeys(own))
    const lengths = [...new Set(own.map(({ code }) => code.length))]
    for (const format of await readFormats(tx, 'account_id = $1 AND length = ANY($2)', [account, lengths])) {
      const space = spaceOf(spaces, format)
      if (space === undefined) continue
      const indices = space.indicesOf(own.map(({ code }) => code))
      const wanted = indices.filter((index) => index !== undefined)
      const taken = await readTaken(tx, account, format.id, wanted)
      const missing = own.filter(({ code }, at) => {
        const index = indices[at]
        return index !== undefined && !taken.has(index) && !isStillToBeTaken(format, index, code)
      })
      const [first] = missing
      if (first === undefined) continue
      const what =
        `format ${format.id} can produce ${missing.length} uploaded codes whose indices are not taken, the first in ` +
        `row ${first.row} of upload ${first.task}`
      findings.push({ kind: 'taken-codes', accountId: account, accountName: format.accountName, what })
    }
  }
  const last = rows.length < size ? undefined : rows.at(-1)
  return { findings, last: last && [last.account, last.task, last.row] }
}

/** Whether a worker still has to take the index of a code that was uploaded before the format was created. */
function isStillToBeTaken({ next, takenTo }: TakenFormat, index: bigint, code: string): boolean {
  return takenTo !== null && index >= BigInt(next) && comesAfter(code, takenTo)
}

/**
 * Checks the counter of indices taken ahead in formats for which earlier uploaded codes are still being processed: it
 * counts all of them from the beginning.
 */
async function checkUnready(tx: Transaction, spaces: Spaces): Promise<CheckedPage> {
  const findings: Finding[] = []
  for (const format of await readFormats(tx, 'taken_to IS NOT NULL', [])) {
    const space = spaceOf(spaces, format)
    if (space === undefined) continue
    const { accountId, accountName, id, next, takenAhead } = format
    let ahead = 0
    for await (const codes of readCodesOf(tx, accountId, space.pattern))
      ahead += space.indicesOf(codes).filter((index) => index !== undefined && index >= BigInt(next)).length
    if (BigInt(takenAhead) === BigInt(ahead)) continue
    const what = `format ${id} counts ${takenAhead} uploaded codes ahead of it, and there are ${ahead}`
    findings.push({ kind: 'format-counters', accountId, accountName, what })
  }
  return { findings, last: undefined }
}

/** Checks that uploaded codes are stored with the keys by which they and their duplicates are found. */
function checkKeys(rows: readonly UploadedRow[]): Finding[] {
  const stray = rows.filter((row) => !hasItsKeys(row))
  const [first] = stray
  if (first === undefined) return []
  const what =
    `${stray.length} uploaded codes are stored with other keys than those they are looked up by, the first in row ` +
    `${first.row} of upload ${first.task}`
  return [{ kind: 'upload-keys', accountId: first.account, accountName: first.accountName, what }]
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
  spaces: Spaces,
  after: RowKey | undefined,
  size: number,
): Promise<CheckedPage> {
  const rows = await tx.rows<{ account: string; format: string; index: string; ahead: boolean | null }>({
    text: `
      SELECT account_id AS account, format_id AS format, index, (
        SELECT index >= next FROM format WHERE account_id = taken.account_id AND id = format_id LIMIT 1
      ) AS ahead
      FROM taken
      ${after === undefined ? '' : 'WHERE (account_id, format_id, index) > ($2::uuid, $3::uuid, $4::numeric)'}
      ORDER BY account_id, format_id, index LIMIT $1`,
    values: [size, ...(after ?? [])],
  })
  const findings: Finding[] = []
  const ahead = rows.filter((row) => row.ahead === true)
  for (const [id, own] of Map.groupBy(ahead, ({ format }) => format)) {
    const { account } = own[0] as (typeof own)[number]
    const [format] = await readFormats(tx, 'account_id = $1 AND id = $2', [account, id])
    const space = format && spaceOf(spaces, format)
    if (space === undefined) continue
    // Indices beyond the format are reported as taken-reference.
    const indices = own
      .map(({ index }) => BigInt(index))
      .filter((index) => index >= 0n && index < space.capacity)
    const codes = space.codesOf(indices)
    const uploaded = await readUploaded(tx, account, codes)
    const missing = indices.filter((_index, at) => !uploaded.has(codes[at] as string))
    if (missing.length === 0) continue
    const what = `format ${id} has ${missing.length} indices taken that belong to no uploaded code, the first is ${missing[0]}`
    findings.push({ kind: 'taken-codes', accountId: account, accountName: format?.accountName ?? null, what })
  }
  const last = rows.length < size ? undefined : rows.at(-1)
  return { findings, last: last && [last.account, last.format, last.index] }
}

interface TakenFormat extends FormatKey {
  next: string
  takenAhead: string
  takenTo: string | null
}

async function readFormats(tx: Transaction, condition: string, values: unknown[]): Promise<TakenFormat[]> {
  return await tx.rows<TakenFormat>({
    text: `
      SELECT account_id AS "accountId", id, pattern, characters, length, version, encode(key, 'hex') AS key,
        wrapped_by AS "wrappedBy", first_code AS "firstCode", capacity::text, next, taken_ahead AS "takenAhead", taken_to AS "takenTo",
        (SELECT name FROM account WHERE account.id = account_id LIMIT 1) AS "accountName"
      FROM format WHERE ${condition} ORDER BY id`,
    values,
  })
}

function spaceOf(spaces: Spaces, format: FormatKey): CodeSpace | undefined {
  if (!spaces.open.has(format.id)) {
    const opened = openCodeSpace(format, spaces.keyring)
    spaces.open.set(format.id, typeof opened === 'string' ? undefined : opened)
  }
  return spaces.open.get(format.id)
}

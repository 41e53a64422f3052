import type { Pool } from 'pg'
import { CodeSpace, UnknownVersionError } from '../../codespace/codespace.ts'
import { CorruptPatternError, Pattern } from '../../codespace/pattern.ts'
import { DamagedSecretError, type Keyring } from '../../keys/keyring.ts'
import { formatKeyPlace } from '../books/secrets.ts'
import type { AuditedAccount, Finding } from './finding.ts'
import { pages, type Walk } from './walk.ts'

const walk: Walk = {
  table: 'format',
  columns: 'account_id, id, pattern, characters, length, version, key, wrapped_by, first_code, capacity',
  key: { account_id: 'uuid', id: 'uuid' },
  pageSize: 500,
}

const keyed = `
  SELECT account_id AS "accountId", page.id, pattern, characters, length, version, encode(key, 'hex') AS key,
    wrapped_by AS "wrappedBy", first_code AS "firstCode", capacity::text
  FROM page`

/** What the codes of a format depend on, and what is known of them. The key is in hexadecimal. */
export interface FormatKey {
  accountId: string
  id: string
  pattern: string
  characters: string
  length: number
  version: number
  key: string
  wrappedBy: string | null
  firstCode: string
  capacity: string
}

/**
 * Checks that pattern, key and version of each format of the account yield its stored length, capacity and first code,
 * which PostgreSQL cannot compute. Findings contain neither keys nor codes.
 */
export async function checkCodeSpaces(
  connections: Pool,
  { accountId, accountName }: AuditedAccount,
  keyring: Keyring,
  report: (finding: Finding) => void,
): Promise<void> {
  for await (const { rows } of pages<FormatKey>(connections, accountId, walk, keyed))
    for (const format of rows) {
      const opened = openCodeSpace(format, keyring)
      if (typeof opened === 'string')
        report({ kind: 'format-codes', accountId, accountName, what: `format ${format.id} ${opened}` })
    }
}

/** The code space of a format, or what is wrong with it. */
export function openCodeSpace(format: FormatKey, keyring: Keyring): CodeSpace | string {
  try {
    const pattern = Pattern.parse(format.pattern, format.characters)
    const stored = { bytes: Buffer.from(format.key, 'hex'), wrappedBy: format.wrappedBy }
    const key = keyring.open(stored, formatKeyPlace(format.accountId, format.id))
    const space = CodeSpace.open({ pattern, key, version: format.version })
    return errorOf(format, space) ?? space
  } catch (error) {
    if (
      error instanceof CorruptPatternError ||
      error instanceof UnknownVersionError ||
      error instanceof DamagedSecretError ||
      error instanceof RangeError
    )
      return `has no codes any more: ${error.message}`
    throw error
  }
}

function errorOf(format: FormatKey, space: CodeSpace): string | undefined {
  const { pattern } = space
  if (format.length !== pattern.length)
    return `says that its codes have ${format.length} characters, and they have ${pattern.length}`
  if (BigInt(format.capacity) !== pattern.capacity)
    return `says that it has ${format.capacity} codes, and its pattern has ${pattern.capacity}`
  if (space.codeAt(0n) !== format.firstCode)
    return 'yields other codes than it was created with: its pattern, characters, key or version was changed'
  return undefined
}

import { expect } from 'vitest'
import { auditBooks, type Finding } from '../../src/domain/audit/audit.ts'
import type { Books } from '../../src/domain/books/books.ts'

/**
 * Expects the books of an account to be sound; without one, those of all accounts of the database. Others may write
 * meanwhile.
 */
export async function expectBalance({
  books,
  accountId,
}: {
  books: Books
  accountId?: string | undefined
}): Promise<void> {
  const findings: Finding[] = []
  const { connections, keyring } = books
  await auditBooks(connections, (finding) => findings.push(finding), { keyring, accountId })
  expect(findings).toEqual([])
}

import { expect } from 'vitest'
import { auditBooks, type Finding } from '../../src/domain/audit/audit.ts'
import type { Books } from '../../src/domain/books/books.ts'

/** Expects the books of all accounts of a database to be sound. Others may write meanwhile. */
export async function expectBalance({ books }: { books: Books }): Promise<void> {
  const findings: Finding[] = []
  await auditBooks(books.connections, (finding) => findings.push(finding), { keyring: books.keyring })
  expect(findings).toEqual([])
}

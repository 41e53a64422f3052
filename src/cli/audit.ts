import { parseArgs } from 'node:util'
import { advice, generalAdvice } from '../domain/audit/advice.ts'
import {
  type AuditSummary,
  auditBooks,
  type Finding,
  type FindingKind,
  findingKinds,
} from '../domain/audit/audit.ts'
import { checkMasterKeys } from '../domain/books/secrets.ts'
import { isRewound, readIncarnation } from '../domain/rewind/incarnation.ts'
import { grouped } from '../grouped.ts'
import { readArguments, run, withDatabase } from './program.ts'

const usage = `Checks that the books of the service are consistent, and changes nothing.

  npm run audit

Prints a line for each inconsistency, and how many rows were checked. The exit code is 0 when the books are sound, 1 when
they are not, or a restored backup was not followed up, and 2 when they could not be checked completely.
`

// Damage is often the same everywhere: more findings of a kind say nothing new.
const maxPrintedOfAKind = 20

async function main(): Promise<number> {
  readArguments(() => parseArgs({ options: {} }))
  return await withDatabase(async ({ connections, reach, keyring }) => {
    await checkMasterKeys({ connections, reach }, keyring)
    const started = Date.now()
    const printed = new Map<FindingKind, number>()
    const print = (finding: Finding) => {
      const before = printed.get(finding.kind) ?? 0
      if (before === maxPrintedOfAKind) return
      printed.set(finding.kind, before + 1)
      process.stdout.write(`${lineOf(finding)}\n`)
    }
    const summary = await auditBooks(connections, print, { keyring })
    const isFollowedUp = !isRewound(await readIncarnation(connections))
    process.stdout.write(`${conclusion(summary, Date.now() - started, isFollowedUp)}\n`)
    return summary.findings.size === 0 && isFollowedUp ? 0 : 1
  })
}

function lineOf({ kind, accountId, accountName, what }: Finding): string {
  // Damaged values may contain anything: a line break must not look like another finding.
  const line = `${kind}: account ${accountId}${accountName === null ? '' : ` "${accountName}"`}: ${what}`
  return line.replaceAll(/\p{Cc}/gu, '?')
}

// What was lost is in no table, so no rule can be broken by it.
const rewound =
  'The database was restored from a backup, or another server has taken over, and this has not been followed up: run npm run restored.'

function conclusion(
  { checked, findings }: AuditSummary,
  milliseconds: number,
  isFollowedUp: boolean,
): string {
  const tables = [...checked].map(([table, rows]) => `${table} ${grouped(rows)}`).join(', ')
  const lines = [`Rows checked in ${(milliseconds / 1_000).toFixed(1)} s: ${tables}.`]
  if (!isFollowedUp) lines.push(rewound)
  if (findings.size === 0 && isFollowedUp) lines.push('The books are sound.')
  if (findings.size > 0) {
    lines.push('The books are NOT sound. These rules are broken:')
    for (const [kind, count] of findings) {
      const more = count > maxPrintedOfAKind ? `, ${maxPrintedOfAKind} of them above` : ''
      lines.push(`  ${kind}: ${findingKinds[kind]} (${grouped(count)} found${more})`, `    ${advice[kind]}`)
    }
    lines.push(...generalAdvice)
  }
  return lines.join('\n')
}

await run(main, { failure: 2, usage })

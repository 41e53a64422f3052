import {
  type AuditSummary,
  auditBooks,
  type Finding,
  type FindingKind,
  findingKinds,
} from '../domain/audit/audit.ts'
import { grouped } from '../grouped.ts'
import { OperatorError } from '../operator-error.ts'
import { run, withDatabase } from './program.ts'

const usage = `Checks the books of the running service against each other, and changes nothing.

  npm run audit

Prints a line for everything that does not agree, and what was looked at. The exit code is 0 when the books are sound,
1 when they are not, and 2 when they could not be read to the end.
`

// Damage is often of one kind and everywhere: more of the same tells nothing new.
const printedOfAKind = 20

async function main(): Promise<number> {
  if (process.argv.length > 2) throw new OperatorError(usage)
  return await withDatabase(async ({ pool }) => {
    const started = Date.now()
    const printed = new Map<FindingKind, number>()
    const summary = await auditBooks(pool, (finding) => {
      const before = printed.get(finding.kind) ?? 0
      if (before === printedOfAKind) return
      printed.set(finding.kind, before + 1)
      process.stdout.write(`${lineOf(finding)}\n`)
    })
    process.stdout.write(`${conclusion(summary, Date.now() - started)}\n`)
    return summary.findings.size === 0 ? 0 : 1
  })
}

function lineOf({ kind, accountId, accountName, what }: Finding): string {
  // What is damaged may hold anything: a line break in it must not look like another finding.
  const line = `${kind}: account ${accountId}${accountName === null ? '' : ` "${accountName}"`}: ${what}`
  return line.replaceAll(/\p{Cc}/gu, '?')
}

function conclusion({ lookedAt, findings }: AuditSummary, milliseconds: number): string {
  const looked = [...lookedAt].map(([table, rows]) => `${table} ${grouped(rows)}`).join(', ')
  const lines = [`Looked at these rows in ${(milliseconds / 1_000).toFixed(1)} s: ${looked}.`]
  if (findings.size === 0) lines.push('The books are sound.')
  else {
    lines.push('The books are NOT sound. It should hold, and does not, that')
    for (const [kind, count] of findings) {
      const more = count > printedOfAKind ? `, of which ${printedOfAKind} are above` : ''
      lines.push(`  ${kind}: ${findingKinds[kind]} (${grouped(count)} found${more})`)
    }
  }
  return lines.join('\n')
}

await run(main, 2)

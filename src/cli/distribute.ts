import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { type Distribution, distribute } from '../database/distribute.ts'
import type { Placement } from '../database/distribution.ts'
import { grouped } from '../grouped.ts'
import { openLog } from '../log.ts'
import { OperatorError } from '../operator-error.ts'
import { readArguments, run } from './program.ts'

const usage = `Distributes the tables over the machines of a PostgreSQL with Citus, each account on one of them.

  DATABASE_URL=postgres://… npm run distribute

Stop all processes of the service first. Run it on the coordinator's database, empty or filled, once all nodes have been
added; and again after nodes were added or set up anew, which gives them the settings that the service relies on.
`

const placements: Record<Placement, string> = {
  REFERENCE: 'on every node',
  LOCAL: 'on the coordinator',
  BY_ACCOUNT: 'by account',
}

async function main(): Promise<number> {
  readArguments(() => parseArgs({ options: {} }))
  const { databaseUrl } = readConfig(process.env)
  if (databaseUrl === undefined)
    throw new OperatorError(
      "The service's own PostgreSQL is a single one: name the database to distribute in DATABASE_URL.",
    )
  const started = Date.now()
  const distribution = await distribute(databaseUrl, openLog({ level: 'warn' }))
  process.stdout.write(`${summary(distribution, Date.now() - started)}\n`)
  return 0
}

function summary({ placed, nodes }: Distribution, milliseconds: number): string {
  const tables = placed.map(
    ({ name, placement, rows }) =>
      `  ${name.padEnd(18)}${placements[placement].padEnd(20)}${grouped(rows)} rows`,
  )
  const took = `in ${(milliseconds / 1_000).toFixed(1)} s`
  return [
    placed.length === 0
      ? 'All tables had been distributed already, and the nodes have the settings that the service relies on.'
      : `Distributed ${placed.length} tables ${took}:`,
    ...tables,
    'Accounts on each node:',
    ...nodes.map(
      ({ name, accounts, bytes }) =>
        `  ${name}: ${grouped(accounts)} accounts, ${grouped(bytes / 1_024n)} kB`,
    ),
  ].join('\n')
}

await run(main, { failure: 1, usage })

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { faultsOf, type Tables } from './shapes.ts'
import { contains, recordedStatements, writtenStatements } from './statements.ts'

/** Statements that go to all nodes, or may do what others may not, and why. The text is a part of theirs. */
const exceptions: readonly { text: string; why: string }[] = [
  {
    text: 'SELECT DISTINCT account_id AS "accountId" FROM',
    why: 'The audit looks for accounts that do not exist, once in each table.',
  },
  {
    text: 'SELECT wrapped_by AS id, count(*) AS count FROM',
    why: 'A start, and a command: which master keys the secrets of all accounts need.',
  },
  { text: 'FROM pool WHERE archived_at IS NULL', why: 'Metrics, when they are asked for.' },
  {
    text: "FROM task WHERE status = 'AWAITING_EXECUTION' GROUP BY kind",
    why: 'Metrics, when they are asked for.',
  },
]

/**
 * Checks all statements of the sources that a run of tests has sent: a distributed database must be able to run them, each on
 * the node of one account. `isWhole`: whether all tests have run, so that all statements must have been seen.
 *
 * @throws an error that lists what is wrong, and where
 */
export async function checkShapes(options: {
  folder: string
  serverUrl: string
  isWhole: boolean
}): Promise<void> {
  const { folder, serverUrl, isWhole } = options
  const [texts, written, tables] = await Promise.all([
    recordedStatements(folder),
    writtenStatements(),
    readTables(serverUrl),
  ])
  const problems: string[] = []
  const seen = new Set<string>()
  for (const text of texts) {
    const origins = written.filter((statement) => contains(text, statement)).map(({ where }) => where)
    for (const origin of origins) seen.add(origin)
    if (origins.length === 0 || exceptions.some((exception) => text.includes(exception.text))) continue
    for (const fault of faultsOf(text, tables)) problems.push(`${origins.slice(0, 3).join(', ')}: ${fault}`)
  }
  if (isWhole)
    for (const { where } of written)
      if (!seen.has(where))
        problems.push(`${where}: no test has sent this statement, so its shape is not known`)
  if (problems.length === 0) return
  const list = [...new Set(problems)].sort().map((problem) => `  ${problem}`)
  throw new Error(
    `Statements that a distributed database could not run (test/support/shapes.ts):\n${list.join('\n')}`,
  )
}

async function readTables(serverUrl: string): Promise<Tables> {
  const client = new pg.Client(serverUrl)
  await client.connect()
  try {
    const functions = async (volatility: 'v' | 's') => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT DISTINCT proname AS name FROM pg_proc WHERE provolatile = $1 AND pronamespace = 'pg_catalog'::regnamespace`,
        [volatility],
      )
      return new Set(rows.map(({ name }) => name))
    }
    const [volatile, stable] = [await functions('v'), await functions('s')]
    const byAccount = new Set((await readAccountTables()).filter((name) => !local.has(name)))
    return { local, byAccount, volatile, stable }
  } finally {
    await client.end()
  }
}

// As in src/database/distribution.ts.
const local: ReadonlySet<string> = new Set(['api_key', 'session', 'queue'])

/** The tables that have the column account_id. */
async function readAccountTables(): Promise<string[]> {
  const schema = await readFile(join(import.meta.dirname, '../../prisma/schema.prisma'), 'utf8')
  const models = schema.matchAll(/^model \w+ \{\n(.*?)^\}/gms)
  return [...models].flatMap(([, body = '']) =>
    body.includes('@map("account_id")') ? [/@@map\("(\w+)"\)/.exec(body)?.[1] ?? ''] : [],
  )
}

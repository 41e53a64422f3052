import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Pool } from 'pg'
import type { Books } from '../domain/books/books.ts'
import { checkMasterKeys } from '../domain/books/secrets.ts'
import { type FollowUpStep, followUpRewind } from '../domain/rewind/follow-up.ts'
import { type IncarnationState, readIncarnation, recordIncarnation } from '../domain/rewind/incarnation.ts'
import { planFollowUp } from '../domain/rewind/plan.ts'
import { grouped } from '../grouped.ts'
import { OperatorError } from '../operator-error.ts'
import { withBooks } from './books.ts'
import { readArguments, run, UsageError } from './program.ts'

const usage = `After a backup was restored, or a failover has lost commits: sees to it that no code is handed out twice.

  npm run restored                       show what would be done, with numbers, and ask
  npm run restored -- --confirm          do it
  npm run restored -- --nothing-lost     after a planned switch-over, or a move to another server: say that no commit was lost

  --margin <codes>   how many codes may have been generated of each format since the backup, at most
  --anyway           also if nothing shows that the database was restored: for copies of its files or of its disk, and
                     for one node of a distributed database

Stop the services first. Like a service, this brings the tables of an older backup up to date. The exit code is 0 when everything is done, 2 when nothing was changed, and 1 when it could not be completed: then run it again.
`

const [exitDone, exitFailed, exitUnchanged] = [0, 1, 2]

// Counting what an account has can take a while.
const statementTimeoutMs = 10 * 60 * 1_000

// Of the same kind, more lines say nothing new.
const maxLines = 100

interface Options {
  confirm: boolean
  anyway: boolean
  nothingLost: boolean
  margin: bigint | undefined
}

async function main(): Promise<number> {
  const options = readOptions()
  return await withBooks((books) => restored(books, options), { statementTimeoutMs, migrates: true })
}

function readOptions(): Options {
  const { values } = readArguments(() =>
    parseArgs({
      options: {
        confirm: { type: 'boolean' },
        anyway: { type: 'boolean' },
        'nothing-lost': { type: 'boolean' },
        margin: { type: 'string' },
      },
    }),
  )
  const { confirm = false, anyway = false, margin } = values
  const nothingLost = values['nothing-lost'] === true
  if (nothingLost && (confirm || anyway || margin !== undefined))
    throw new UsageError('--nothing-lost goes with no other option.')
  if (margin !== undefined && !/^[1-9]\d{0,29}$/.test(margin))
    throw new UsageError(
      `--margin must be a whole number of codes from 1 on, but is ${JSON.stringify(margin)}.`,
    )
  return { confirm, anyway, nothingLost, margin: margin === undefined ? undefined : BigInt(margin) }
}

async function restored(books: Books, options: Options): Promise<number> {
  const { connections } = books
  const state = await readIncarnation(connections)
  if (options.nothingLost) return await acknowledge(connections, state)
  const isUnfinished = state.kind === 'UNFINISHED'
  if (isUnfinished && options.margin !== undefined && options.margin !== state.followUp.margin)
    throw new OperatorError(
      'This continues what was interrupted, with the margin that it was begun with: leave --margin out.',
    )
  const services = await countServices(connections)
  await checkMasterKeys(books, books.keyring)
  const margin = isUnfinished ? state.followUp.margin : options.margin
  if (state.kind === 'KNOWN' && !options.anyway) {
    print(`${verdict(state)}, so nothing is changed. With --anyway, this would be done:`)
    await showPlan(books, margin)
    print(
      '',
      'If a copy of its files or of its disk was put back, or one node of a distributed database was restored, run',
      'npm run restored -- --anyway --confirm',
    )
    return exitUnchanged
  }
  print(...situation(state), '', options.confirm ? 'What this does:' : 'What this would do:')
  await showPlan(books, margin)
  if (services > 0)
    print(
      '',
      `Services are running on this database (${services} connections). Stop them: until this is done, they hand out codes twice.`,
    )
  if (!options.confirm && !(await ask())) {
    print(
      '',
      `Nothing was changed. To do this: npm run restored -- --confirm${options.anyway ? ' --anyway' : ''}`,
    )
    return exitUnchanged
  }
  await doIt(books, state, margin)
  return exitDone
}

async function acknowledge(connections: Pool, state: IncarnationState): Promise<number> {
  if (state.kind === 'UNFINISHED')
    throw new OperatorError(
      `npm run restored was begun on ${time(state.followUp.begunAt)}, and has not finished: run it again with --confirm.`,
    )
  if (state.kind === 'KNOWN') print('There is nothing to say: nothing shows that the database was restored.')
  else {
    await recordIncarnation(connections, 'NOTHING_LOST')
    print('Noted: no commit was lost. The service no longer reports this when it starts.')
  }
  return exitDone
}

function situation(state: IncarnationState): string[] {
  switch (state.kind) {
    case 'NEW':
      return ['No service has recorded this database yet.']
    case 'ADOPTED':
      return [
        `The database had accounts already when the service began to notice restored backups, on ${time(state.since)}: if it was restored from one before, this has not been followed up.`,
      ]
    case 'CHANGED':
      return [
        `The database was restored from a backup, or another server has taken over. The one before was in use from ${time(state.before)} on.`,
      ]
    case 'UNFINISHED':
      return [
        `This was begun on ${time(state.followUp.begunAt)}, and has not finished. It goes on where it was.`,
      ]
    case 'KNOWN':
      return [`${verdict(state)}. With --anyway, this is done all the same.`]
  }
}

function verdict({ cause, since }: IncarnationState & { kind: 'KNOWN' }): string {
  return cause === 'REWOUND'
    ? `This was done on ${time(since)}. Nothing shows that the database was restored since`
    : `Nothing shows that the database was restored since ${time(since)}`
}

async function showPlan(books: Books, margin: bigint | undefined): Promise<void> {
  const lines = new Lines()
  const sum = { pools: 0, available: 0n, withdrawn: 0n, uploads: 0, formats: 0, usedUp: 0 }
  for await (const plan of planFollowUp(books, margin)) {
    for (const format of plan.formats) {
      lines.print(format.isUsedUp ? 'USED_UP' : 'FORMAT', formatLine(plan.accountName, format))
      if (format.isUsedUp) sum.usedUp += 1
    }
    sum.formats += plan.formats.length
    sum.pools += plan.stockedPools
    sum.available += plan.available
    sum.withdrawn += plan.withdrawn
    sum.uploads += plan.uploads
  }
  print(
    `  Formats: ${grouped(sum.formats)}, of which ${grouped(sum.usedUp)} are used up. Codes that are given up are never generated.`,
    `  Pools: the ${grouped(sum.available)} available codes of ${grouped(sum.pools)} pools are withdrawn; pools with auto-generation are refilled with new ones. ` +
      `These, and ${grouped(sum.withdrawn)} that are withdrawn already, can never be restored.`,
    `  Unfinished uploads that are cancelled: ${grouped(sum.uploads)}.`,
    '  Each account gets a new event log: subscribers get CURSOR_INVALID once, and read the state again.',
    '',
    'What nobody can know any more, for the time since the backup:',
    '  Claims: a request that is repeated with its idempotencyKey gets new codes. Look-ups show codes that were handed out as withdrawn, or do not find them.',
    '  Redemptions, voids and expiry: codes that were used or void since are good again, if they were claimed before.',
    '  Formats that were created since are gone: give the new ones another prefix or pattern. With the same codes, they would hand codes out twice.',
    '  Uploads: do not upload codes again that may have been handed out, such as those of cancelled uploads. If they look like codes of a format, the format may generate them again: choose another one for its pools.',
    '  Webhooks that were created since are gone, and those that were deleted are back. A secret that was rotated since is the old one again: rotate it once more.',
    '  API keys that were revoked work again, and recipients that were forgotten are back: revoke and forget them again.',
  )
}

function formatLine(
  accountName: string,
  { name, margin, left, isUsedUp }: { name: string; margin: bigint; left: bigint; isUsedUp: boolean },
): string {
  const what = isUsedUp
    ? `all ${grouped(margin)} codes that it has left are given up: create another format for its pools, or say with --margin how many may have been generated`
    : `${grouped(margin)} codes are given up, ${grouped(left)} are left to generate`
  return `account "${accountName}", format "${name}": ${what}`
}

async function doIt(books: Books, seen: IncarnationState, margin: bigint | undefined): Promise<void> {
  print('', 'Doing it:')
  const lines = new Lines()
  const sum = { formats: 0, pools: 0, withdrawn: 0n, empty: 0, cancelled: 0 }
  await followUpRewind(books, seen, margin, (step) => {
    switch (step.kind) {
      case 'FORMAT':
        sum.formats += 1
        return lines.print(step.isUsedUp ? 'USED_UP' : 'FORMAT', formatLine(step.accountName, step))
      case 'POOL':
        sum.pools += 1
        sum.withdrawn += step.withdrawn
        if (step.withdrawn === 0n) return
        if (step.available === 0n && !step.isArchived) sum.empty += 1
        return lines.print('POOL', poolLine(step))
      case 'TASK_CANCELLED':
        sum.cancelled += 1
        return lines.print(
          'TASK',
          `account "${step.accountName}": the ${step.what.toLowerCase()} ${step.taskId} is cancelled`,
        )
    }
  })
  print(
    `Done: ${grouped(sum.formats)} formats moved on, ${grouped(sum.withdrawn)} codes of ${grouped(sum.pools)} pools withdrawn, ${grouped(sum.cancelled)} tasks cancelled.`,
    ...(sum.empty > 0
      ? [`${grouped(sum.empty)} pools have no codes now: generate some, or upload codes that nobody has.`]
      : []),
    'Start the services; restart those that ran meanwhile.',
  )
}

function poolLine({ accountName, name, withdrawn, available }: FollowUpStep & { kind: 'POOL' }): string {
  return `account "${accountName}", pool "${name}": ${grouped(withdrawn)} codes withdrawn, ${grouped(available)} new ones available`
}

/** Prints lines, at most `maxLines` of a kind. */
class Lines {
  readonly #printed = new Map<string, number>()

  print(kind: string, line: string): void {
    const before = this.#printed.get(kind) ?? 0
    this.#printed.set(kind, before + 1)
    // Names may contain anything: a line break must not look like another line.
    if (before < maxLines) print(`  ${line.replaceAll(/\p{Cc}/gu, '?')}`)
    if (before === maxLines) print('  … and more of these')
  }
}

/** How many connections of running services the database has: those that were there before this program's. */
async function countServices(connections: Pool): Promise<number> {
  const { rows } = await connections.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'promo-codes' AND backend_start < (
       SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
     )`,
  )
  return rows[0]?.count ?? 0
}

async function ask(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question('\nDo this? Type yes to do it: ')).trim().toLowerCase() === 'yes'
  } finally {
    terminal.close()
  }
}

function time(at: Date): string {
  return at.toISOString()
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

await run(main, { failure: exitFailed, usage })

import { parseArgs } from 'node:util'
import { rewrapSecrets } from '../domain/books/secrets.ts'
import { grouped } from '../grouped.ts'
import { OperatorError } from '../operator-error.ts'
import { readArguments, run, withDatabase } from './program.ts'

const usage = `Wraps the keys of formats and all other secrets of the database with MASTER_KEY. Services may run meanwhile.

  npm run rewrap               after MASTER_KEY was set, or replaced: then PREVIOUS_MASTER_KEY is the one before
  npm run rewrap -- --unwrap   store them as they are again; without MASTER_KEY, which is then PREVIOUS_MASTER_KEY

To run it again continues what was interrupted. The exit code is 0 when all secrets are as they should be, and 1 otherwise.
`

// More of the same say nothing new.
const maxPrinted = 20

async function main(): Promise<number> {
  const { values } = readArguments(() => parseArgs({ options: { unwrap: { type: 'boolean' } } }))
  const unwrap = values.unwrap === true
  return await withDatabase(async ({ connections, reach, keyring }) => {
    if (unwrap && keyring.currentId !== null)
      throw new OperatorError(
        'To store secrets unwrapped, set PREVIOUS_MASTER_KEY to the master key, and leave MASTER_KEY unset; likewise for the service, which would wrap new ones otherwise.',
      )
    if (!unwrap && keyring.currentId === null)
      throw new OperatorError(
        'MASTER_KEY is not set: there is nothing to wrap secrets with. Make a key with openssl rand -base64 32, keep it apart from the backups, and set MASTER_KEY to it for all processes and for this.',
      )
    const { changed, damaged, left } = await rewrapSecrets({ connections, reach }, keyring)
    const how = unwrap ? 'as they are' : `wrapped with the master key ${keyring.currentId}`
    const lines = [
      `Secrets that are now stored ${how}: ${grouped(changed)} more.`,
      ...damaged.slice(0, maxPrinted),
    ]
    if (left > 0)
      lines.push(
        `${grouped(left)} are not, as processes with other master keys have written them meanwhile. Give these processes the same MASTER_KEY, then run this again.`,
      )
    if (damaged.length > 0) lines.push(`${grouped(damaged.length)} do not open: restore these from a backup.`)
    if (damaged.length === 0 && left === 0)
      lines.push(
        'All secrets are stored so.',
        ...(keyring.hasPrevious ? ['PREVIOUS_MASTER_KEY is needed only for backups from before.'] : []),
      )
    process.stdout.write(`${lines.join('\n')}\n`)
    return damaged.length + left === 0 ? 0 : 1
  })
}

await run(main, { failure: 1, usage })

import { readFile } from 'node:fs/promises'
import { OperatorError } from '../../operator-error.ts'

/** The user that runs PostgreSQL's programs and owns their files; undefined: the user of this process. */
export type SystemUser = { readonly uid: number; readonly gid: number } | undefined

// `postgres` where the system has it; `nobody` exists everywhere. PostgreSQL looks up the name of its user, so a
// number is not enough.
const candidates = ['postgres', 'nobody']

/** Whether this process runs as root; PostgreSQL refuses to. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0
}

/** Chooses the user for a new database. */
export async function chooseSystemUser(): Promise<SystemUser> {
  if (!runsAsRoot()) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const candidate of candidates) {
    const [, , uid, gid] = accounts.find(([name]) => name === candidate) ?? []
    if (uid && gid && uid !== '0') return { uid: Number(uid), gid: Number(gid) }
  }
  throw new OperatorError(
    'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as. ' +
      'Start the service as another user, or set DATABASE_URL to the PostgreSQL to use.',
  )
}

/** The owner of an existing database: PostgreSQL serves it as no other user. */
export function ownerOf(files: { readonly uid: number; readonly gid: number }): SystemUser {
  return runsAsRoot() ? { uid: files.uid, gid: files.gid } : undefined
}

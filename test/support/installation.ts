import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { claim, newStock } from './api.ts'
import { Client } from './client.ts'
import { testDatabase } from './database.ts'
import { Running } from './process.ts'
import { temporaryFolder } from './temporary.ts'

/** The service as it is installed somewhere. */
export interface Installation {
  /** The folder of the service, as its own processes see it. */
  folder: string
  /** How its container or its unit starts it: a program with its arguments. */
  start: readonly [string, ...string[]]
  /** How its container checks it. */
  check: readonly [string, ...string[]]
  /** The environment that it starts with. */
  environment: Record<string, string>
  /** The folder that its processes see as the root of the file system; undefined: that of this machine. */
  root?: string
}

// Nobody on this machine.
export const userId = 10_001

/** Whether this process may run others as another user, on a file system that is read-only for them. */
export const canIsolate = await promisify(execFile)('unshare', ['--mount', 'true']).then(
  () => process.getuid?.() === 0,
  () => false,
)

/**
 * Lets an installation do what a service has to, on a database of its own: start, be healthy, serve the console, hand out
 * codes, and stop. If this process may, as another user, and with every file system read-only.
 */
export async function expectToServe(installation: Installation): Promise<void> {
  await using database = await testDatabase({ empty: true })
  await using folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  const key = 'a-key-of-the-tests-which-is-long-enough'
  // Seen from a container under the same path.
  const secrets = `${installation.root ?? ''}${folder.path}`
  await mkdir(secrets, { recursive: true })
  await writeFile(join(secrets, 'database-url'), `${database.url}\n`, { mode: 0o444 })
  await writeFile(join(secrets, 'api-key'), key, { mode: 0o444 })
  const environment = {
    PORT: '0',
    DATABASE_URL_FILE: join(folder.path, 'database-url'),
    BOOTSTRAP_API_KEY_FILE: join(folder.path, 'api-key'),
  }

  const [node] = installation.start
  await using service = run(installation, installation.start, environment)
  const [url] = await service.prints(/http:\/\/[^/\s]+/)
  const port = new URL(url).port
  await using client = new Client({ url: `http://127.0.0.1:${port}`, key })
  const { poolId } = await newStock(client, 3)
  expect(await claim(client, poolId, 2)).toHaveLength(2)
  const page = await fetch(`http://127.0.0.1:${port}/`)
  const [, script = ''] = /src="(\/console\/[^"]+\.js)"/.exec(await page.text()) ?? []
  expect((await fetch(`http://127.0.0.1:${port}${script}`)).status).toBe(200)

  const check = async () => (await run(installation, installation.check, { PORT: port }).ended).code
  expect(await check()).toBe(0)
  const accounts = await run(installation, [node, 'src/cli/account.ts', 'list'], environment).ended
  expect(accounts).toMatchObject({ code: 0, stdout: expect.stringContaining('First account') })

  // To the process itself, as to the first of a container.
  const { code, stdout, stderr } = await service.end('SIGTERM')
  expect(code, stderr).toBe(0)
  expect(`${stdout}${stderr}`).not.toContain(key)
  expect(stderr).not.toMatch(/"level":[56]0/)
  expect(await check()).toBe(1)
}

function run(
  { folder, environment, root = '' }: Installation,
  command: readonly string[],
  added: Record<string, string>,
): Running {
  const { PATH = '' } = process.env
  const variables = Object.entries({ ...environment, ...added }).map(([name, value]) => `${name}=${value}`)
  const inFolder = ['env', '-i', `--chdir=${folder}`, ...variables, ...command]
  const [program = '', ...args] = canIsolate ? isolated(root, inFolder) : inFolder
  return new Running(program, args, { cwd: '/', env: { PATH } })
}

/** The command as another user, for which every file system is read-only. */
function isolated(root: string, command: readonly string[]): string[] {
  const asUser =
    root === ''
      ? ['setpriv', `--reuid=${userId}`, `--regid=${userId}`, '--clear-groups']
      : ['chroot', `--userspec=${userId}:${userId}`, root]
  // Each program gives way to the next, so that signals reach the last.
  return ['unshare', '--mount', 'sh', '-euc', readOnlyThen, 'sh', root, ...asUser, ...command]
}

// Makes the mounts of a namespace of its own read-only, as far as anybody but root may write there: $1 is the root of a
// container.
const readOnlyThen = `
  mount --make-rprivate /
  [ -z "$1" ] || mount --bind "$1" "$1"
  for mount in / /tmp /var/tmp /dev/shm "$1"; do
    ! mountpoint -q "$mount" || mount -o remount,bind,ro "$mount"
    ! touch "$mount/written" 2> /dev/null || { echo "$mount can be written" >&2; exit 1; }
  done
  shift
  exec "$@"`

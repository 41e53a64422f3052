import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { OperatorError } from '../../operator-error.ts'
import { minimalEnvironment } from './binaries.ts'
import type { Cluster } from './cluster.ts'
import { errorCode, readIfThere } from './files.ts'
import { ended, isAlive } from './processes.ts'

const run = promisify(execFile)

// Outside of the range for outgoing connections on Linux and macOS: none of them can occupy the server's port while it
// restarts, and no client that tries to reach it can connect to itself.
const ports = { from: 20_000, to: 32_767 }

const pollMs = 10
const maxLogBytes = 1_000_000
const shutdownMs = 60_000
const maxLogLines = 20
const orphanShutdownMs = 30_000
const gone = new Set<string | undefined>(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])

/** A server process that served this cluster's data a moment ago. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Whether it accepts connections. */
  readonly ready: boolean
  /** Whether it was told to stop: it accepts no connections any more. */
  readonly stopping: boolean
}

/** The port is in use by something else. */
export class PortTakenError extends Error {
  override name = 'PortTakenError'
}

/** Settings of the server, which override those of the cluster. */
export type Settings = Readonly<Record<string, string>>

/**
 * Finds the server that serves the cluster's data: one that another process started, or left behind when it was killed.
 *
 * https://www.postgresql.org/docs/18/storage-file-layout.html describes `postmaster.pid`.
 */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const text = await readIfThere(pidFile(cluster))
  return text === undefined ? undefined : postmasterOf(text, cluster)
}

/**
 * Removes the pid file of a server that was killed, unless a server of this data runs again. PostgreSQL would do so
 * itself, but not if another process has that id by now, or if the file is empty. (While processes of the killed
 * server remain, their shared memory keeps a new one from starting.)
 */
async function removeStalePidFile(cluster: Cluster): Promise<void> {
  const path = pidFile(cluster)
  const text = await readIfThere(path)
  if (text === undefined || (await postmasterOf(text, cluster)) !== undefined) return
  // Another process may have started a server since: only the file that was read may be removed.
  const moved = `${path}.${process.pid}`
  try {
    await rename(path, moved)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  if ((await readIfThere(moved)) === text) await rm(moved)
  else await rename(moved, path)
}

function pidFile(cluster: Cluster): string {
  return join(cluster.data, 'postmaster.pid')
}

/** Whether the server of this data was told to stop. Looks for the process only if so, as that can take a program. */
export async function isStopping(cluster: Cluster): Promise<boolean> {
  const text = await readIfThere(pidFile(cluster))
  return (
    text !== undefined && statusIn(text) === 'stopping' && (await postmasterOf(text, cluster)) !== undefined
  )
}

async function postmasterOf(text: string, cluster: Cluster): Promise<Postmaster | undefined> {
  const [pid, , , port] = text.split('\n')
  if (!pid || !port || !(await serves(Number(pid), cluster))) return undefined
  const status = statusIn(text)
  return { pid: Number(pid), port: Number(port), ready: status === 'ready', stopping: status === 'stopping' }
}

function statusIn(text: string): string | undefined {
  return text.split('\n')[7]?.trim()
}

/** Whether the process is a PostgreSQL server on this cluster's data. */
async function serves(pid: number, cluster: Cluster): Promise<boolean> {
  if (!isAlive(pid)) return false
  try {
    if (process.platform !== 'linux') {
      const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)])
      return stdout.includes('postgres') && stdout.includes(cluster.data)
    }
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()
    const [current, data] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(cluster.data)])
    return name === 'postgres' && current.dev === data.dev && current.ino === data.ino
  } catch (error) {
    // It has just ended, or belongs to another user, unlike the server.
    if (gone.has(errorCode(error)) || Reflect.get(error as Error, 'code') === 1) return false
    throw error
  }
}

/**
 * Starts the server and waits until it accepts connections, however long recovery after a crash takes. It is detached
 * from the terminal, so that Ctrl-C reaches only this process, and it survives if this process is killed.
 *
 * Resolves to undefined when another process has just started one on the same data.
 *
 * @throws {PortTakenError} when the port is in use
 * @throws {OperatorError} with the end of the server's log, when it does not start for another reason
 */
export async function startPostmaster(
  cluster: Cluster,
  binaries: string,
  port: number,
  settings: Settings,
): Promise<Postmaster | undefined> {
  const deadline = performance.now() + orphanShutdownMs
  for (;;) {
    await removeStalePidFile(cluster)
    const outcome = await tryToStart(cluster, binaries, port, settings)
    if (typeof outcome !== 'string') return outcome
    if (outcome.includes('lock file "postmaster.pid" already exists')) return undefined
    if (outcome.includes('could not create any TCP/IP sockets')) throw new PortTakenError(outcome)
    // Processes of a killed server, which end as soon as they notice that it is gone.
    if (outcome.includes('pre-existing shared memory block') && performance.now() < deadline) {
      await delay(pollMs)
      continue
    }
    throw new OperatorError(
      `The embedded PostgreSQL did not start. The end of its log, ${cluster.log}:\n${outcome}`,
    )
  }
}

/** Starts a server once. Resolves to it when it is ready, or to the end of its log when it ends before that. */
async function tryToStart(
  cluster: Cluster,
  binaries: string,
  port: number,
  settings: Settings,
): Promise<Postmaster | string> {
  await using log = await openLog(cluster)
  const { size: before } = await log.stat()
  const server = spawn(
    join(binaries, 'bin/postgres'),
    [
      '-D',
      cluster.dataArgument,
      ...Object.entries(commandLine(port, settings)).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    {
      ...cluster.user,
      cwd: cluster.data,
      env: minimalEnvironment,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    },
  )
  server.unref()
  await once(server, 'spawn')
  while (server.exitCode === null && server.signalCode === null) {
    await delay(pollMs)
    const found = await findPostmaster(cluster)
    if (found?.ready && found.pid === server.pid) return found
  }
  const words = Buffer.alloc(Math.min(64_000, (await log.stat()).size - before))
  await log.read(words, 0, words.length, before)
  return words.toString('utf8').trimEnd().split('\n').slice(-maxLogLines).join('\n')
}

/** What the service depends on, which overrides postgresql.conf; `settings` override both. */
function commandLine(port: number, settings: Settings): Settings {
  return {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    // The service itself reports the errors of statements.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...settings,
  }
}

/** Opens the log, after renaming it when it has grown large. */
async function openLog(cluster: Cluster): Promise<FileHandle> {
  const log = await open(cluster.log, 'a+', 0o600)
  if ((await log.stat()).size <= maxLogBytes) return log
  await log.close()
  await rename(cluster.log, `${cluster.log}.1`)
  return open(cluster.log, 'a+', 0o600)
}

/** A port for a new server, which may be in use. */
export function choosePort(): number {
  return randomInt(ports.from, ports.to + 1)
}

/**
 * Stops the server: it closes all connections, writes what it has in memory, and exits. After a minute it is stopped
 * immediately, and recovers at its next start.
 */
export async function stopPostmaster(postmaster: Postmaster): Promise<void> {
  signal(postmaster, 'SIGINT')
  if (await ended(postmaster.pid, shutdownMs)) return
  signal(postmaster, 'SIGQUIT')
  await ended(postmaster.pid, shutdownMs)
}

function signal({ pid }: Postmaster, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

import { readdir, readFile } from 'node:fs/promises'
import type { Books } from '../src/domain/books/books.ts'

/** The processor times of a process, in seconds: its own, and those of its children that have ended. Needs Linux, for /proc. */
export async function timesOf(pid: number | string) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Linux reports them in hundredths of a second.
  const seconds = (at: number) => Number(fields[at]) / 100
  return { parent: Number(fields[1]), own: seconds(11) + seconds(12), ended: seconds(13) + seconds(14) }
}

/** The processor time of all processes of a PostgreSQL of this machine so far, in seconds. */
export async function databaseSeconds(books: Books): Promise<number> {
  const [row] = await books.rows<{ pid: number }>({ text: 'SELECT pg_backend_pid() AS pid' })
  const postmasterPid = (await timesOf(Number(row?.pid))).parent
  const postmaster = await timesOf(postmasterPid)
  let sum = postmaster.own + postmaster.ended
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // A process may end between the listing and the reading.
    const times = await timesOf(name).catch(() => undefined)
    if (times?.parent === postmasterPid) sum += times.own
  }
  return sum
}

import { setTimeout as delay } from 'node:timers/promises'
import { errorCode } from './files.ts'

const pollMs = 10

/** Whether there is a process of this number, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    if (errorCode(error) === 'EPERM') return true
    throw error
  }
}

/** Waits until the process has ended; resolves to false when it has not after `withinMs`. */
export async function ended(pid: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false
    await delay(pollMs)
  }
  return true
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { OperatorError } from '../operator-error.ts'

/**
 * Runs a program of Node.js that builds something, in a process of its own: it may block, and its packages do not stay in the
 * memory of the service.
 *
 * @param args the file of the program, and its arguments
 * @throws {OperatorError} with the output of the program, if it fails
 */
export async function runProgram(
  args: readonly [string, ...string[]],
  { name, root, environment = {} }: { name: string; root: string; environment?: Record<string, string> },
): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, args, { cwd: root, env: { ...process.env, ...environment } })
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string }
    throw new OperatorError(`Could not build ${name}.\n${stdout}${stderr}`.trimEnd(), { cause })
  }
}

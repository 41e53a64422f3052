import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { errorCode } from './database/embedded/files.ts'

/** In bytes. */
export const maxSecretFileBytes = 65_536

/**
 * A secret's file cannot be used. The message neither has what is in it nor its path: somebody may have put the secret itself in
 * the place of the path.
 */
export class SecretFileError extends Error {
  override name = 'SecretFileError'
}

/**
 * Reads a secret from a file, without the line end that editors and `echo` add. Never waits: a pipe, which might not
 * answer, is refused unread.
 *
 * @throws {SecretFileError} for everything that is not one line of text in a regular file
 */
export function readSecretFile(path: string): string {
  const file = open(path)
  try {
    const kind = kindOf(fstatSync(file))
    if (kind !== undefined) throw new SecretFileError(`must be the path of a file, but ${kind} is there`)
    return secretIn(read(file))
  } finally {
    closeSync(file)
  }
}

function open(path: string): number {
  try {
    // Without waiting for whoever writes into a pipe.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = errorCode(error)
    throw new SecretFileError(
      `must be the path of a file, but ${failures[code ?? ''] ?? `it cannot be opened: ${code}`}`,
    )
  }
}

const failures: Readonly<Record<string, string>> = {
  ENOENT: 'there is no file at that path',
  ENOTDIR: 'there is no file at that path',
  EACCES: 'this user may not read it: check its owner, its mode, and those of its folders',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'is too long for one',
  ENXIO: 'a socket is there',
  ERR_INVALID_ARG_VALUE: 'has a NUL character',
}

/** What is not a regular file, in words. */
function kindOf(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return 'a folder'
  return stats.isFIFO() ? 'a pipe' : 'a device or a socket'
}

/** The beginning of a file, as long as a secret may be, and one byte more. */
function read(file: number): Buffer {
  const bytes = Buffer.alloc(maxSecretFileBytes + 1)
  let length = 0
  for (;;) {
    const more = readSync(file, bytes, length, bytes.length - length, null)
    length += more
    if (more === 0 || length === bytes.length) return bytes.subarray(0, length)
  }
}

function secretIn(bytes: Buffer): string {
  if (bytes.length > maxSecretFileBytes)
    throw new SecretFileError(`leads to a file with more than ${maxSecretFileBytes} bytes`)
  const secret = textOf(bytes).replace(/[\r\n]+$/, '')
  if (secret === '') throw new SecretFileError('leads to an empty file')
  if (/[\r\n\0]/.test(secret)) throw new SecretFileError('must lead to a file with a single line of text')
  return secret
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new SecretFileError('must lead to a file of text in UTF-8')
    throw error
  }
}

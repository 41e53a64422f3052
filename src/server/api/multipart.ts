import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyFileStream } from '@fastify/busboy'
import type { GraphQLParams } from 'graphql-yoga'
import { TooMuchWaitingError } from '../../async/scheduler.ts'
import { FileInterruptedError } from '../../domain/books/errors.ts'
import { topLevelError } from '../../graphql/errors/top-level.ts'
import { FormFile } from '../../graphql/form-file.ts'
import { grouped } from '../../grouped.ts'
import { maxSilenceMs, readBody } from '../http/request.ts'
import { isObject, parseJson } from './operation-request.ts'

const maxFieldBytes = 1_000_000
const maxParts = 20

interface FormOperation {
  operation: GraphQLParams
  length: number
}

/**
 * Reads an operation from a form, by the GraphQL multipart request specification
 * (https://github.com/jaydenseric/graphql-multipart-request-spec): `operations`, `map`, then the file. Resolves when
 * the file begins. The operation reads the file while it runs, with back-pressure, so that memory does not grow with
 * the file. Therefore there can be only one file, and it comes last. `length` is the number of characters of the
 * operation.
 *
 * `keep` counts the bytes before the file. Rejects with BAD_USER_INPUT, or with an error of `keep`.
 */
export async function readForm(
  request: IncomingMessage,
  response: ServerResponse,
  keep: (bytes: number) => void,
): Promise<FormOperation> {
  const { promise, resolve, reject } = Promise.withResolvers<FormOperation>()
  const fields = new Map<string, string>()
  let file: BusboyFileStream | undefined
  const parser = openParser(request)
  parser.on('field', (name, value, _nameCut, valueCut) => {
    if (valueCut) reject(malformed(`The part "${name}" has more than ${grouped(maxFieldBytes)} bytes.`))
    // Other fields are ignored.
    else if (name === 'operations' || name === 'map') fields.set(name, value)
  })
  parser.on('file', (name, stream) => {
    // Without a listener, an interrupted file would end the process.
    stream.on('error', () => undefined)
    try {
      resolve(operationOf(fields, { name, bytes: fileBytes(stream) }))
      file = stream
    } catch (error) {
      reject(error)
      stream.resume()
    }
  })
  for (const limit of ['fieldsLimit', 'partsLimit'] as const)
    parser.on(limit, () => reject(malformed(`It has more than ${grouped(maxParts)} parts.`)))
  // After the response, the rest is not read.
  response.once('close', () => parser.destroy())
  response.once('finish', () => parser.destroy())
  async function* body() {
    for await (const chunk of readBody(request, response, maxSilenceMs)) {
      if (file === undefined) keep(chunk.length)
      yield chunk
    }
  }
  pipeline(body(), parser)
    .catch((error: unknown) => {
      file?.destroy(interrupted(error))
      const isOurs = error instanceof FileInterruptedError || error instanceof TooMuchWaitingError
      throw isOurs ? error : malformed('It ends before its last part does.')
    })
    .then(() => file === undefined && resolve(operationOf(fields, undefined)))
    .catch(reject)
  return await promise
}

function openParser(request: IncomingMessage) {
  const type = request.headers['content-type'] ?? ''
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': type },
      limits: { fieldSize: maxFieldBytes, fields: maxParts, parts: maxParts, files: 1 },
    })
  } catch {
    throw malformed('Its content type names no boundary.')
  }
}

async function* fileBytes(stream: BusboyFileStream): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of stream) yield chunk
  } catch (error) {
    throw interrupted(error)
  }
}

function interrupted(error: unknown): FileInterruptedError {
  if (error instanceof FileInterruptedError) return error
  return new FileInterruptedError('The form ended, or broke off, before the file did.', error)
}

/** The operation of a form, with the file in the variable that the map names. */
function operationOf(
  fields: ReadonlyMap<string, string>,
  file: { name: string; bytes: AsyncIterable<Uint8Array> } | undefined,
): FormOperation {
  const operation = parseObject(fields, 'operations')
  const [mapped, ...more] = Object.entries(parseObject(fields, 'map'))
  if (more.length > 0) throw malformed('Its map names more than one file. Send one file with each operation.')
  const length = [...fields.values()].reduce((sum, text) => sum + text.length, 0)
  if (mapped === undefined && file === undefined) return { operation, length }
  if (mapped === undefined) throw malformed('Its map does not say which variable the file is.')
  const [name, paths] = mapped
  if (file?.name !== name)
    throw malformed(`Its map names the file ${JSON.stringify(name)}, and the form has none of this name.`)
  const [path, ...others]: unknown[] = Array.isArray(paths) ? paths : []
  if (typeof path !== 'string' || others.length > 0)
    throw malformed('Its map must be { "<name of the file>": ["variables.<where the file is null>"] }.')
  put(operation, path, new FormFile(file.bytes))
  return { operation, length }
}

function parseObject(fields: ReadonlyMap<string, string>, name: string): Record<string, unknown> {
  const text = fields.get(name)
  if (text === undefined)
    throw malformed(`It has no field "${name}" before the file. Send operations, then map, then the file.`)
  const value = parseJson(text)
  if (!isObject(value)) throw malformed(`Its field "${name}" is not a JSON object.`)
  return value
}

/** Puts the file into the variable that the operation has left null for it. */
function put(operation: Record<string, unknown>, path: string, file: FormFile): void {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let place: unknown = operation
  for (const key of keys) place = hasMembers(place) && Object.hasOwn(place, key) ? place[key] : undefined
  if (keys[0] !== 'variables' || !hasMembers(place) || !Object.hasOwn(place, last) || place[last] !== null)
    throw malformed(`Its map puts the file at ${JSON.stringify(path)}, where the operation has no null.`)
  place[last] = file
}

function hasMembers(value: unknown): value is Record<string, unknown> {
  return isObject(value) || Array.isArray(value)
}

function malformed(what: string) {
  return topLevelError(
    'BAD_USER_INPUT',
    `The form cannot be read as an operation with a file (GraphQL multipart request specification). ${what}`,
    { http: { status: 400 } },
  )
}

import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { TLSSocket } from 'node:tls'
import { describeFailure, ForbiddenAddressError, OutgoingError } from './errors.ts'
import { isPublic, type Networks } from './networks.ts'
import { addressesOf, type Resolve, resolveByDns } from './resolve.ts'

/** After how long a request is given up that has not been answered, from its start, in milliseconds. */
export const maxAnswerMs = 15_000
/** How much of the body of an answer is read, in bytes. */
export const maxAnswerBytes = 4_096

const defaultLimits = {
  /** For finding the host and connecting to it, encryption included. */
  maxConnectMs: 5_000,
  maxAnswerMs,
  /** For the body of the answer, from its status on. What has not arrived by then is not waited for. */
  maxBodyMs: 1_000,
}

const maxHeaderBytes = 16_384
const maxInterimAnswers = 10
// Long enough for another continent. Node.js gives up an address after that if there is another.
const attemptMs = 1_000

const agentOptions = { keepAlive: true, maxSockets: 1, autoSelectFamilyAttemptTimeout: attemptMs }

export interface OutgoingOptions {
  /** Networks that may be reached besides the public Internet; by https and, other than the Internet, by http. */
  allowed: Networks
  /** Finds the addresses of a name; by default in the DNS. */
  resolve?: Resolve
  /** Authorities, as PEM, that are trusted instead of those that Node.js knows and NODE_EXTRA_CA_CERTS. */
  authorities?: string
  limits?: Partial<typeof defaultLimits>
}

export interface OutgoingRequest {
  url: URL
  headers: Record<string, string>
  body: string
  /** Gives up the request. */
  signal: AbortSignal
}

export interface Answer {
  status: number
  /** The beginning of the body, at most `maxAnswerBytes`. */
  body: Buffer
  /** The header Retry-After. */
  retryAfter: string | undefined
}

/**
 * Sends requests to addresses that strangers have chosen. They can make it connect to public addresses only, and to networks
 * that are allowed: what counts is the address that a connection is made to, so a name may lead anywhere and change at any time.
 * Redirects are not followed. Whatever a receiver does, a request ends after 15 seconds and reads a few kilobytes.
 * The variables HTTP_PROXY and HTTPS_PROXY have no effect.
 */
export class OutgoingClient {
  readonly #options: OutgoingOptions

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /**
   * Whether requests to this URL can be sent now, as far as its host is concerned. Sending one checks it again.
   *
   * @throws {ForbiddenAddressError} if all that its host leads to is forbidden
   * @throws {OutgoingError} if the host is unknown
   */
  async check(url: URL): Promise<void> {
    const { maxConnectMs } = this.#limits
    await inTime(maxConnectMs, (signal) => this.#findAddresses(url, signal))
  }

  /** A connection for requests that are sent one after the other. It is made when needed, and made again when lost. */
  open(): OutgoingConnection {
    const { authorities } = this.#options
    const findAddresses = (url: URL, signal: AbortSignal) => this.#findAddresses(url, signal)
    return new OutgoingConnection({ findAddresses, limits: this.#limits, authorities })
  }

  get #limits(): typeof defaultLimits {
    return { ...defaultLimits, ...this.#options.limits }
  }

  /** The addresses of the host that may be connected to, at least one. */
  async #findAddresses(url: URL, signal: AbortSignal): Promise<string[]> {
    const { allowed, resolve = resolveByDns } = this.#options
    const isHttps = url.protocol === 'https:'
    const found = await addressesOf(url, resolve, signal)
    const usable = found.filter((address) => allowed.cover(address) || (isHttps && isPublic(address)))
    if (usable.length === 0) throw new ForbiddenAddressError(isHttps || !found.some(isPublic))
    return usable
  }
}

interface ConnectionParts {
  findAddresses: (url: URL, signal: AbortSignal) => Promise<string[]>
  limits: typeof defaultLimits
  authorities: string | undefined
}

/** See `OutgoingClient.open`. */
export class OutgoingConnection implements Disposable {
  readonly #parts: ConnectionParts
  // Not the global agents, which can be told by the environment to use a proxy.
  readonly #http = new http.Agent(agentOptions)
  readonly #https: https.Agent

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#https = new https.Agent({
      ...agentOptions,
      // Also where the environment says otherwise.
      rejectUnauthorized: true,
      ...(parts.authorities !== undefined && { ca: parts.authorities }),
    })
  }

  /**
   * Sends a request by POST. Resolves to the answer, whatever its status.
   *
   * @throws {OutgoingError} if there is none
   * @throws the reason of `signal` if that is aborted
   */
  async post(request: OutgoingRequest): Promise<Answer> {
    const { maxAnswerMs } = this.#parts.limits
    const work = async (signal: AbortSignal) => {
      const isReused = { value: false }
      try {
        return await this.#send(request, signal, isReused)
      } catch (error) {
        // The receiver has closed the connection while it was idle: at the same time as we have used it.
        if (isReused.value && isLost(error)) return await this.#send(request, signal, isReused)
        throw error
      }
    }
    try {
      return await inTime(maxAnswerMs, work, request.signal)
    } catch (error) {
      request.signal.throwIfAborted()
      throw describeFailure(error)
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #send(
    { url, headers, body }: OutgoingRequest,
    signal: AbortSignal,
    isReused: { value: boolean },
  ): Promise<Answer> {
    // No name is looked up for an address.
    if (isIP(url.hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) await this.#parts.findAddresses(url, signal)
    const isHttps = url.protocol === 'https:'
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const request = (isHttps ? https : http).request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      agent: isHttps ? this.#https : this.#http,
      lookup: this.#lookUp(url, signal),
      maxHeaderSize: maxHeaderBytes,
      signal,
    })
    const { maxConnectMs, maxBodyMs } = this.#parts.limits
    const connecting = setTimeout(
      () => request.destroy(new OutgoingError('TOO_SLOW', 'The host did not accept the connection in time.')),
      maxConnectMs,
    )
    request.on('socket', (socket) => {
      const stop = () => clearTimeout(connecting)
      if (request.reusedSocket) stop()
      else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', stop)
    })
    let interimAnswers = 0
    request.on('information', () => {
      interimAnswers += 1
      if (interimAnswers > maxInterimAnswers)
        request.destroy(new OutgoingError('NOT_HTTP', 'The receiver sends provisional answers alone.'))
    })
    let hasAnswer = false
    request.on('response', (response) => {
      hasAnswer = true
      readFirstBytes(response, maxBodyMs).then(
        (beginning) =>
          resolve({
            status: response.statusCode ?? 0,
            body: beginning,
            retryAfter: response.headers['retry-after'],
          }),
        reject,
      )
    })
    request.on('error', reject)
    // Without an error, as when the receiver wants to speak another protocol.
    request.on('close', () => {
      if (!hasAnswer)
        reject(new OutgoingError('UNREACHABLE', 'The connection ended before there was an answer.'))
    })
    request.end(body)
    try {
      return await promise
    } finally {
      clearTimeout(connecting)
      isReused.value = request.reusedSocket
    }
  }

  #lookUp(url: URL, signal: AbortSignal): LookupFunction {
    return (_host, { all }, callback) => {
      this.#parts.findAddresses(url, signal).then(
        (found) => {
          const addresses = found.map((address) => ({ address, family: isIP(address) }))
          const [first] = addresses
          if (all || first === undefined) callback(null, addresses)
          else callback(null, first.address, first.family)
        },
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
      )
    }
  }
}

/** The first bytes of a body, as far as they arrive in time and before an error: the status has told what matters. */
function readFirstBytes(response: http.IncomingMessage, maxMs: number): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let length = 0
  const end = () => {
    clearTimeout(timeout)
    resolve(Buffer.concat(chunks).subarray(0, maxAnswerBytes))
  }
  const cut = () => {
    response.destroy()
    end()
  }
  const timeout = setTimeout(cut, maxMs)
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxAnswerBytes) cut()
  })
  response.on('end', end)
  response.on('close', end)
  response.on('error', end)
  return promise
}

/** Runs work that is given up after a while, and when `parent` is aborted. */
async function inTime<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const slow = new AbortController()
  const timeout = setTimeout(() => slow.abort(), ms)
  try {
    return await work(parent === undefined ? slow.signal : AbortSignal.any([parent, slow.signal]))
  } catch (error) {
    if (slow.signal.aborted)
      throw new OutgoingError('TOO_SLOW', `There was no answer within ${ms / 1_000} s.`, error)
    throw error
  } finally {
    clearTimeout(timeout)
  }
}

function isLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

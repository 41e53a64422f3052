import { Webhook as Signer } from 'standardwebhooks'
import type { OutgoingConnection } from '../../outgoing/client.ts'
import { OutgoingError } from '../../outgoing/errors.ts'
import { describeSpan, failSpan, inTrace } from '../../telemetry/spans.ts'
import type { Message } from './message.ts'

/** How much of a receiver's answer is kept, in characters. */
export const maxAnswerLength = 500

/** An attempt to send a message, and what came of it. */
export interface Attempt {
  at: Date
  durationMs: number
  /** Of the answer; undefined if there was none. */
  status: number | undefined
  /** The beginning of the answer's body, as text; undefined if there was no answer. */
  answer: string | undefined
  /** Why it has failed; undefined if it has not. */
  error: string | undefined
  /** How long the receiver wants to be left alone. */
  retryAfterMs: number | undefined
}

export interface Sending {
  url: string
  /** Each of them signs, as the Standard Webhooks specification has it. At least one. */
  secrets: readonly Uint8Array[]
  message: Message
  at: Date
  /** Gives up the attempt, and rejects with the signal's reason. */
  signal: AbortSignal
}

/** Sends a message once. Whatever the receiver does is an outcome; only an abort rejects. */
export async function send(connection: OutgoingConnection, sending: Sending): Promise<Attempt> {
  return await inTrace(spanName, { 'promo_codes.message_id': sending.message.id }, () =>
    attemptToSend(connection, sending),
  )
}

const spanName = 'deliver to webhook'

async function attemptToSend(connection: OutgoingConnection, sending: Sending): Promise<Attempt> {
  const { url, message, at, signal } = sending
  const began = performance.now()
  const attempt = { at, status: undefined, answer: undefined, error: undefined, retryAfterMs: undefined }
  const durationMs = () => Math.round(performance.now() - began)
  try {
    const headers = headersOf(sending)
    const { status, body, retryAfter } = await connection.post({
      url: new URL(url),
      headers,
      body: message.body,
      signal,
    })
    describeSpan(spanName, { 'http.response.status_code': status })
    return {
      ...attempt,
      durationMs: durationMs(),
      status,
      answer: textOf(body),
      error: errorOf(status),
      retryAfterMs: status === 429 || status === 503 ? retryAfterMsOf(retryAfter, at) : undefined,
    }
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    failSpan(error)
    return { ...attempt, durationMs: durationMs(), error: error.message }
  }
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function headersOf({ secrets, message: { id, body }, at }: Sending): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'promo-codes',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets
      .map((secret) => new Signer(secret, { format: 'raw' }).sign(id, at, body))
      .join(' '),
  }
}

function errorOf(status: number): string | undefined {
  if (status >= 200 && status < 300) return undefined
  if (status >= 300 && status < 400)
    return `The receiver answered with ${status}: a redirect, which is not followed. Give the webhook its final URL.`
  return `The receiver answered with ${status}.`
}

/** The beginning of a body, as text that can be stored and shown. */
function textOf(body: Uint8Array): string {
  return new TextDecoder()
    .decode(body)
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, ' ')
    .slice(0, maxAnswerLength)
    .toWellFormed()
    .trim()
}

/** Retry-After is seconds or a date. Undefined if it is neither. */
function retryAfterMsOf(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

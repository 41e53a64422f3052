import { expect } from 'vitest'
import type { Client } from './client.ts'
import { readCsv } from './csv.ts'
import type { TestService } from './service.ts'

export type Status = 'AVAILABLE' | 'CLAIMED' | 'WITHDRAWN' | 'ALL'

/** The first row of a file of codes. */
export const codesHeader = [
  'code',
  'status',
  'recipient',
  'claimed_at',
  'expires_at',
  'validity',
  'redeemed_at',
  'reference',
  'origin',
]

/** The path of a file of a pool's codes. */
export function pathOf(poolId: string, status: Status, more: Record<string, string> = {}): string {
  return `/pools/${poolId}/codes.csv?${new URLSearchParams({ status, ...more })}`
}

/** The delimiter of a file that was requested with these parameters. */
export function signOf({ delimiter }: Record<string, string>): string {
  return delimiter === 'semicolon' ? ';' : ','
}

interface Options {
  from?: Client
  method?: string
  headers?: Record<string, string>
}

/** Downloads from a service, as a client with its key or another. */
export function useFiles(service: Pick<TestService, 'url'>, client: Client) {
  /** The answer to a GET, without content coding. */
  async function get(path: string, { from = client, method = 'GET', headers = {} }: Options = {}) {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { 'accept-encoding': 'identity', ...from.authorization(), ...headers },
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      get text() {
        return bytes.toString()
      },
    }
  }

  /** The whole file of a pool's codes. */
  async function download(poolId: string, status: Status, more: Record<string, string> = {}) {
    const reply = await get(pathOf(poolId, status, more))
    expect([reply.status, reply.headers.get('content-type')]).toEqual([
      200,
      'text/csv; charset=utf-8; header=present',
    ])
    return { ...reply, rows: readCsv(reply.text, signOf(more)) }
  }

  /** The error of a refused request. */
  async function refusal(path: string, options: Options = {}) {
    const { status, headers, text } = await get(path, options)
    const { errors } = JSON.parse(text) as { errors: { message: string; extensions: { code: string } }[] }
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(errors).toHaveLength(1)
    return { status, headers, code: errors[0]?.extensions.code, message: errors[0]?.message ?? '' }
  }

  return { get, download, refusal }
}

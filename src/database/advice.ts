import type { Client } from 'pg'
import { sqlState } from './errors.ts'

// The certificate was not issued by an authority that is known here.
const unknownAuthority = new Set<unknown>([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** What to do about a failed connection, where the error itself does not say so. */
export function adviceOn(error: unknown, client: Client): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = Reflect.get(error, 'code')
  if (unknownAuthority.has(code)) {
    if (hasAuthority(client)) {
      return (
        'Its certificate is not signed by the authority in the file that sslrootcert names: use the file that belongs ' +
        'to this server'
      )
    }
    return (
      'Its certificate is signed by an authority that is not known here. Download the certificate of that authority ' +
      'from your provider, and end DATABASE_URL with ?sslmode=verify-full&sslrootcert=/path/to/ca.pem. To encrypt ' +
      'without verifying the server, end it with ?uselibpqcompat=true&sslmode=require'
    )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return (
      'Name the host in DATABASE_URL as its certificate does, or verify only the authority: ' +
      '?uselibpqcompat=true&sslmode=verify-ca&sslrootcert=/path/to/ca.pem'
    )
  }
  if (code === 'CERT_HAS_EXPIRED') return 'Renew its certificate'
  if (/does not support SSL/.test(error.message)) {
    return 'Switch ssl on there; or, if you trust the network, end DATABASE_URL with ?sslmode=disable'
  }
  if (/password must be a (non-empty )?string|no password/i.test(error.message))
    return 'Put the password into DATABASE_URL: postgres://user:password@host:port/database'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Check the host in DATABASE_URL'
  if (code === 'ENOENT' && client.host.startsWith('/'))
    return 'No server listens on a socket in that folder: check the folder in DATABASE_URL, or start the server'
  return adviceOnState(sqlState(error), error.message)
}

/** Whether DATABASE_URL names the authority that must have signed the certificate. */
function hasAuthority(client: Client): boolean {
  const ssl: unknown = Reflect.get(client, 'ssl')
  return typeof ssl === 'object' && ssl !== null && typeof Reflect.get(ssl, 'ca') === 'string'
}

function adviceOnState(state: string | undefined, message: string): string | undefined {
  if (state === '28P01') {
    return (
      'Check the user and the password. In DATABASE_URL, all of their characters except letters, digits, - and _ must be ' +
      'percent-encoded: @ is %40, / is %2F, # is %23, ? is %3F, % is %25'
    )
  }
  const wantsEncryption = /no encryption|SSL off|SSL(\/TLS)? (connection )?(is )?required|insecure/i.test(
    message,
  )
  if (wantsEncryption) return 'It requires encryption: end DATABASE_URL with ?sslmode=require'
  if (state === '3D000') return 'Create it, or name another database in DATABASE_URL'
  if (state === '53300')
    return 'Each process of the service needs 25 connections: raise the limit, or close others'
  if (/pooling mode/.test(message)) {
    return 'The service needs sessions of its own: name the server itself, or a pooler with pool_mode = session'
  }
  return undefined
}

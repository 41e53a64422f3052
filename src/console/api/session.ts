import { text } from '../text.ts'

// The browser keeps the session in a cookie that no script can read. The key is sent once, and kept nowhere.

const sessionPath = '/session'

/** What pages of one browser tell each other about the session, which they share. */
export type SessionNews = 'began' | 'ended'

/**
 * Exchanges an API key for a session, as it was typed or pasted. Resolves to why that was not possible, or to undefined.
 */
export async function signIn(typed: string, otherPages: BroadcastChannel): Promise<string | undefined> {
  const key = keyOf(typed)
  if (key === '') return text.account.keyMissing
  if (!/^[\x21-\x7e]+$/.test(key)) return text.account.keyMalformed
  const response = await reach(sessionPath, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  })
  if (response === undefined) return text.common.unreachable
  if (!response.ok) return await refusalOf(response)
  otherPages.postMessage('began' satisfies SessionNews)
  return undefined
}

/** Ends the session, and with it all that other pages have open. Resolves to why that was not possible, or to undefined. */
export async function signOut(otherPages: BroadcastChannel): Promise<string | undefined> {
  const response = await reach(sessionPath, { method: 'DELETE' })
  if (response === undefined) return text.common.unreachable
  if (!response.ok) return await refusalOf(response)
  otherPages.postMessage('ended' satisfies SessionNews)
  return undefined
}

/**
 * Loads the page once more: with it, a service on this machine signs its browser in without a key. Elsewhere, it does nothing.
 */
export async function signInByPage(): Promise<void> {
  await reach('/', { method: 'GET' })
}

/** The key in what was pasted: it may be broken into lines, or be the whole header. */
function keyOf(typed: string): string {
  return typed
    .trim()
    .replace(/^authorization:/i, '')
    .trim()
    .replace(/^bearer\s+/i, '')
    .replace(/\s/g, '')
}

/** The answer of the service, or undefined if it cannot be reached. */
async function reach(path: string, request: RequestInit): Promise<Response | undefined> {
  return await fetch(path, request).catch((error: unknown) => {
    // What fetch rejects with where there is no network.
    if (error instanceof TypeError) return undefined
    throw error
  })
}

/** Why the service refuses, in its own words. What is in front of it may answer otherwise. */
async function refusalOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.includes('json')) return text.account.refused(response.status)
  const { errors } = (await response.json()) as { errors?: readonly { message: string }[] }
  return errors?.[0]?.message ?? text.account.refused(response.status)
}

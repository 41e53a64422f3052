// The browser keeps the session in a cookie that no script can read. The key is sent once, and kept nowhere.

const sessionPath = '/session'

/** Exchanges an API key for a session. Resolves to why it was refused, or undefined. */
export async function signIn(key: string): Promise<string | undefined> {
  const response = await fetch(sessionPath, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
  if (response.ok) return undefined
  const { errors } = (await response.json()) as { errors: readonly { message: string }[] }
  return errors[0]?.message ?? response.statusText
}

/** Ends the session, and with it all that other tabs have open. */
export async function signOut(): Promise<void> {
  await fetch(sessionPath, { method: 'DELETE' })
}

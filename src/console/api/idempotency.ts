/** A new idempotencyKey: a name for a request that makes it safe to send it again. */
export function newIdempotencyKey(): string {
  // Not randomUUID, which exists only where the page came over TLS or from this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

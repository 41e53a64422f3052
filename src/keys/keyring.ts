import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { OperatorError } from '../operator-error.ts'

/*
 * Secrets at rest. A secret that the service has to read again, such as the key of a format, is stored wrapped: encrypted with
 * a master key that is not in the database. So a dump alone tells nobody the codes to come.
 *
 * A wrapped secret is a random nonce of 12 bytes, the encrypted secret, and the tag of 16 bytes, by AES-256-GCM. What it
 * is for, its account and its row are authenticated with it: it does not open in the place of another.
 */

const algorithm = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** A secret as a row keeps it. */
export interface StoredSecret {
  /** The wrapped secret, or the secret itself if `wrappedBy` is null. */
  readonly bytes: Uint8Array
  /** The id of the master key that wraps it. */
  readonly wrappedBy: string | null
}

/** Which secret it is, of all in the database. */
export interface SecretPlace {
  /** Its table and column: "format.key". */
  readonly purpose: string
  readonly accountId: string
  /** The id of its row. */
  readonly id: string
}

/** A secret is wrapped with a master key that this process does not have. */
export class MasterKeyMissingError extends OperatorError {
  override readonly name = 'MasterKeyMissingError'
}

/** A wrapped secret was changed, or is that of another row. */
export class DamagedSecretError extends Error {
  override readonly name = 'DamagedSecretError'
}

/** A key of 32 bytes that wraps secrets. Its id, which is stored beside what it wraps, does not tell what it is. */
export class MasterKey {
  readonly id: string
  readonly #bytes: Uint8Array

  /** Throws a RangeError unless it has 32 bytes. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== keyBytes) throw new RangeError(`A master key has ${keyBytes} bytes.`)
    this.#bytes = bytes
    this.id = createHash('sha256').update('promo-codes master key').update(bytes).digest('hex').slice(0, 16)
  }

  encrypt(secret: Uint8Array, place: SecretPlace): Uint8Array {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv(algorithm, this.#bytes, nonce).setAAD(nameOf(place))
    return new Uint8Array(Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]))
  }

  /** Undefined if this key has not encrypted it for this place. */
  decrypt(wrapped: Uint8Array, place: SecretPlace): Uint8Array | undefined {
    if (wrapped.length < nonceBytes + tagBytes) return undefined
    const tagAt = wrapped.length - tagBytes
    const decipher = createDecipheriv(algorithm, this.#bytes, wrapped.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
      .setAAD(nameOf(place))
      .setAuthTag(wrapped.subarray(tagAt))
    const secret = decipher.update(wrapped.subarray(nonceBytes, tagAt))
    try {
      return new Uint8Array(Buffer.concat([secret, decipher.final()]))
    } catch {
      // The only reason for which `final` throws: the tag does not match.
      return undefined
    }
  }
}

/**
 * The master keys of a process: the one that wraps, and one that only opens what it has wrapped before. Either can be
 * missing.
 */
export class Keyring {
  readonly #current: MasterKey | undefined
  readonly #previous: MasterKey | undefined

  constructor({
    current,
    previous,
  }: { current?: MasterKey | undefined; previous?: MasterKey | undefined } = {}) {
    this.#current = current
    this.#previous = previous
  }

  /** The id of the key that wraps; null without one: then secrets are stored as they are. */
  get currentId(): string | null {
    return this.#current?.id ?? null
  }

  /** Whether it has a key that only opens. */
  get hasPrevious(): boolean {
    return this.#previous !== undefined
  }

  /** Whether it opens what is stored with this id. */
  opens(wrappedBy: string | null): boolean {
    return wrappedBy === null || this.#find(wrappedBy) !== undefined
  }

  wrap(secret: Uint8Array, place: SecretPlace): StoredSecret {
    if (this.#current === undefined) return { bytes: secret, wrappedBy: null }
    return { bytes: this.#current.encrypt(secret, place), wrappedBy: this.#current.id }
  }

  /** Throws a MasterKeyMissingError or a DamagedSecretError. */
  open({ bytes, wrappedBy }: StoredSecret, place: SecretPlace): Uint8Array {
    if (wrappedBy === null) return bytes
    const key = this.#find(wrappedBy)
    const { purpose, accountId, id } = place
    if (key === undefined) throw this.missing(wrappedBy)
    const secret = key.decrypt(bytes, place)
    if (secret === undefined)
      throw new DamagedSecretError(
        `The ${purpose} of ${id} of account ${accountId} does not open with its master key: it was changed, or is that of another row.`,
      )
    return secret
  }

  /** Says what to do about a master key that is not among these. */
  missing(id: string): MasterKeyMissingError {
    const has = [this.#current, this.#previous].flatMap((key) => (key === undefined ? [] : [key.id]))
    const replacing = `If you are replacing it, set PREVIOUS_MASTER_KEY to ${id}, start again, and run npm run rewrap.`
    return new MasterKeyMissingError(
      `Secrets in the database are wrapped with the master key ${id}, which this process does not have ` +
        `(it has ${has.length === 0 ? 'none' : has.join(' and ')}). Set MASTER_KEY to ${id}.` +
        `${has.length === 0 ? '' : ` ${replacing}`}`,
    )
  }

  #find(id: string): MasterKey | undefined {
    return [this.#current, this.#previous].find((key) => key?.id === id)
  }
}

function nameOf({ purpose, accountId, id }: SecretPlace): Buffer {
  return Buffer.from(`${purpose} ${accountId} ${id}`)
}

/** Reads a master key from 32 bytes in Base64 or hexadecimal. Otherwise says what is wrong, without repeating the text. */
export function parseMasterKey(text: string): MasterKey | string {
  const bytes = decode(text.trim())
  const form = `must be ${keyBytes} bytes in Base64 or hexadecimal`
  const how = `make one with openssl rand -base64 ${keyBytes}`
  if (bytes === undefined || bytes.length < keyBytes / 2) return `${form}: ${how}`
  if (bytes.length !== keyBytes) return `${form}, but has ${bytes.length}: ${how}`
  // Among random bytes, so few different ones do not occur.
  if (new Set(bytes).size < 8) return `must be random, and repeats the same bytes: ${how}`
  return new MasterKey(bytes)
}

function decode(text: string): Uint8Array | undefined {
  if (/^([\da-f]{2})+$/i.test(text) && text.length === 2 * keyBytes)
    return new Uint8Array(Buffer.from(text, 'hex'))
  // Either alphabet, with or without padding.
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined
  return new Uint8Array(Buffer.from(text, 'base64'))
}

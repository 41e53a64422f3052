import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  DamagedSecretError,
  Keyring,
  MasterKey,
  MasterKeyMissingError,
  parseMasterKey,
} from '../../src/keys/keyring.ts'

const place = { purpose: 'format.key', accountId: 'account', id: 'format' }
const secret = new Uint8Array(randomBytes(32))
const newKey = () => new MasterKey(new Uint8Array(randomBytes(32)))

describe('a keyring', () => {
  test('opens what it has wrapped, which is different each time', () => {
    const keyring = new Keyring({ current: newKey() })
    const [one, two] = [keyring.wrap(secret, place), keyring.wrap(secret, place)]
    expect(one.bytes).not.toEqual(two.bytes)
    expect(Buffer.from(one.bytes).includes(Buffer.from(secret))).toBe(false)
    expect(one.wrappedBy).toBe(keyring.currentId)
    for (const stored of [one, two]) expect(keyring.open(stored, place)).toEqual(secret)
  })

  test('without a key stores secrets as they are, and opens those alone', () => {
    const stored = new Keyring().wrap(secret, place)
    expect(stored).toEqual({ bytes: secret, wrappedBy: null })
    expect(new Keyring().open(stored, place)).toEqual(secret)
    const wrapped = new Keyring({ current: newKey() }).wrap(secret, place)
    expect(() => new Keyring().open(wrapped, place)).toThrow(/MASTER_KEY/)
  })

  test('with a previous key opens what that has wrapped, and wraps with the current one', () => {
    const [previous, current] = [newKey(), newKey()]
    const before = new Keyring({ current: previous }).wrap(secret, place)
    const keyring = new Keyring({ current, previous })
    expect(keyring.open(before, place)).toEqual(secret)
    expect(keyring.wrap(secret, place).wrappedBy).toBe(current.id)
    const open = () => new Keyring({ current }).open(before, place)
    expect(open).toThrow(MasterKeyMissingError)
    const { id } = previous
    expect(open).toThrow(
      `Secrets in the database are wrapped with the master key ${id}, which this process does not have (it has ${current.id}). ` +
        `Set MASTER_KEY to ${id}. If you are replacing it, set PREVIOUS_MASTER_KEY to ${id}, start again, and run npm run rewrap.`,
    )
  })

  test.each([
    { ...place, purpose: 'webhook.secret' },
    { ...place, accountId: 'another' },
    { ...place, id: 'another' },
  ])('does not open what was wrapped for another place: %j', (elsewhere) => {
    const keyring = new Keyring({ current: newKey() })
    const stored = keyring.wrap(secret, place)
    expect(() => keyring.open(stored, elsewhere)).toThrow(DamagedSecretError)
  })

  test('does not open what was changed, wherever, or cut', () => {
    const keyring = new Keyring({ current: newKey() })
    const { bytes, wrappedBy } = keyring.wrap(secret, place)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(() => keyring.open({ bytes: changed, wrappedBy }, place)).toThrow(DamagedSecretError)
      const cut = bytes.slice(0, at)
      expect(() => keyring.open({ bytes: cut, wrappedBy }, place)).toThrow(DamagedSecretError)
    }
  })
})

describe('a master key', () => {
  const bytes = randomBytes(32)

  test.each([
    ['Base64', bytes.toString('base64')],
    ['Base64 without padding', bytes.toString('base64').replace('=', '')],
    ['Base64 for URLs', bytes.toString('base64url')],
    ['hexadecimal', bytes.toString('hex')],
    ['capital hexadecimal', bytes.toString('hex').toUpperCase()],
    ['a line', `${bytes.toString('base64')}\n`],
  ])('is read from %s', (_form, text) => {
    expect(parseMasterKey(text)).toMatchObject({ id: new MasterKey(new Uint8Array(bytes)).id })
  })

  test.each([
    ['shorter', randomBytes(31).toString('base64'), 'has 31'],
    ['longer', randomBytes(33).toString('hex'), '32 bytes'],
    ['a password', 'correct horse battery staple', 'Base64 or hexadecimal'],
    ['a word', 'hunter2', 'must be 32 bytes in Base64 or hexadecimal: make'],
    ['zeros', Buffer.alloc(32).toString('base64'), 'random'],
    ['one digit', '1'.repeat(64), 'random'],
  ])('is refused if it is %s, without being repeated', (_form, text, says) => {
    const problem = parseMasterKey(text)
    expect(problem).toContain(says)
    expect(problem).not.toContain(text)
  })

  test('does not show itself', () => {
    const key = new MasterKey(new Uint8Array(bytes))
    const shown = [
      inspect(key, { showHidden: true }),
      JSON.stringify({ key, keyring: new Keyring({ current: key }) }),
    ]
    for (const text of shown)
      for (const form of ['hex', 'base64'] as const)
        expect(text).not.toContain(bytes.toString(form).slice(0, 8))
  })
})

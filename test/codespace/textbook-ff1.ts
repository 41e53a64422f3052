import { createCipheriv } from 'node:crypto'

/**
 * FF1.Encrypt and FF1.Decrypt step by step as NIST SP 800-38G (algorithms 7 and 8) writes them, for numeral
 * strings of any length and radix up to 2^16: slow, and as plain as can be. The tests hold the permutation
 * against it where other implementations refuse, and it against them where they don't.
 */
export function textbookEncrypt(key: Uint8Array, tweak: Uint8Array, radix: number, x: number[]): number[] {
  const u = Math.floor(x.length / 2)
  const v = x.length - u
  let a = x.slice(0, u)
  let b = x.slice(u)
  for (let i = 0; i <= 9; i++) {
    const y = roundNumber(key, tweak, radix, x.length, i, b)
    const m = i % 2 === 0 ? u : v
    const c = modulo(num(radix, a) + y, BigInt(radix) ** BigInt(m))
    a = b
    b = str(radix, m, c)
  }
  return [...a, ...b]
}

export function textbookDecrypt(key: Uint8Array, tweak: Uint8Array, radix: number, x: number[]): number[] {
  const u = Math.floor(x.length / 2)
  const v = x.length - u
  let a = x.slice(0, u)
  let b = x.slice(u)
  for (let i = 9; i >= 0; i--) {
    const y = roundNumber(key, tweak, radix, x.length, i, a)
    const m = i % 2 === 0 ? u : v
    const c = modulo(num(radix, b) - y, BigInt(radix) ** BigInt(m))
    b = a
    a = str(radix, m, c)
  }
  return [...a, ...b]
}

/** A number as that many bits, the most significant first. */
export function bitsOf(number: bigint, count: number): number[] {
  return str(2, count, number)
}

/** The number of a string of bits, the most significant first. */
export function numberOf(bits: number[]): bigint {
  return num(2, bits)
}

// Steps 6.i to 6.iv: y = NUM(S), S the first d bytes of R and what follows from it.
function roundNumber(
  key: Uint8Array,
  tweak: Uint8Array,
  radix: number,
  n: number,
  i: number,
  half: number[],
): bigint {
  const u = Math.floor(n / 2)
  const t = tweak.length
  const b = Math.ceil(bitLength(BigInt(radix) ** BigInt(n - u) - 1n) / 8)
  const d = 4 * Math.ceil(b / 4) + 4
  const p = Buffer.concat([
    Buffer.from([1, 2, 1]),
    bytes(BigInt(radix), 3),
    Buffer.from([10, u % 256]),
    bytes(BigInt(n), 4),
    bytes(BigInt(t), 4),
  ])
  const padding = Buffer.alloc(Number(modulo(BigInt(-t - b - 1), 16n)))
  const q = Buffer.concat([tweak, padding, Buffer.from([i]), bytes(num(radix, half), b)])
  const r = prf(key, Buffer.concat([p, q]))
  let s = r
  for (let j = 1n; s.length < d; j++) s = Buffer.concat([s, ciph(key, xor(r, bytes(j, 16)))])
  return BigInt(`0x${s.subarray(0, d).toString('hex')}`)
}

function prf(key: Uint8Array, x: Buffer): Buffer {
  let y: Buffer = Buffer.alloc(16)
  for (let start = 0; start < x.length; start += 16) y = ciph(key, xor(y, x.subarray(start, start + 16)))
  return y
}

function ciph(key: Uint8Array, block: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
  return Buffer.concat([cipher.update(block), cipher.final()])
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] as number)))
}

function num(radix: number, x: number[]): bigint {
  return x.reduce((number, numeral) => number * BigInt(radix) + BigInt(numeral), 0n)
}

function str(radix: number, m: number, number: bigint): number[] {
  const numerals: number[] = []
  for (let left = number; numerals.length < m; left /= BigInt(radix))
    numerals.unshift(Number(left % BigInt(radix)))
  return numerals
}

function bytes(number: bigint, count: number): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * count, '0'), 'hex')
}

function bitLength(number: bigint): number {
  return number === 0n ? 0 : number.toString(2).length
}

function modulo(a: bigint, n: bigint): bigint {
  return ((a % n) + n) % n
}

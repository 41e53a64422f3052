import { BlockList, isIP } from 'node:net'

/** The text is no list of networks. The message says what is wrong, as the end of a sentence: 'has "x", which is …'. */
export class NetworksError extends Error {
  override name = 'NetworksError'
}

/** Networks that the operator allows requests to, besides the public Internet. */
export class Networks {
  static readonly none = new Networks(new BlockList())
  readonly #blocks: BlockList

  private constructor(blocks: BlockList) {
    this.#blocks = blocks
  }

  /**
   * Reads a list of blocks, separated by commas: "10.0.0.0/8, fd00::/8". An address without a length is a block of one.
   *
   * @throws {NetworksError}
   */
  static parse(text: string): Networks {
    const blocks = new BlockList()
    for (const block of text.split(',')) addBlock(blocks, block.trim())
    return new Networks(blocks)
  }

  /** Whether an address is in one of the networks; of an address that stands for an IPv4 address, whether that one is. */
  cover(address: string): boolean {
    const ipv4 = ipv4Of(address)
    return covers(this.#blocks, address) || (ipv4 !== undefined && covers(this.#blocks, ipv4))
  }
}

function addBlock(blocks: BlockList, block: string): void {
  const [, address = '', length] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(block) ?? []
  const family = isIP(address)
  const max = family === 4 ? 32 : 128
  if (family === 0 || Number(length ?? max) > max)
    throw new NetworksError(
      `has ${JSON.stringify(block)}, which is no block of addresses. Write "10.0.0.0/8" or "fd00::/8".`,
    )
  const prefix = Number(length ?? max)
  const first = firstOf(address, prefix)
  // Nobody knows whether the address or the whole block is meant.
  if (first !== undefined)
    throw new NetworksError(
      `has ${JSON.stringify(block)}, which is an address in the block ${first}/${prefix}. Write ${first}/${prefix} to allow all ` +
        `of it, or ${address} to allow that address alone.`,
    )
  blocks.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
}

/** The first address of a block; undefined if it is this one. */
function firstOf(address: string, prefix: number): string | undefined {
  const bytes = bytesOf(address)
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(Math.max(prefix - index * 8, 0), 8)
    return byte & (0xff << (8 - kept))
  })
  if (masked.every((byte, index) => byte === bytes[index])) return undefined
  if (bytes.length === 4) return masked.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => Buffer.from(masked).readUInt16BE(index * 2))
  return formInUrl(groups.map((group) => group.toString(16)).join(':')).slice(1, -1)
}

function bytesOf(address: string): number[] {
  if (isIP(address) === 4) return address.split('.').map(Number)
  // A URL has one form for each address, of groups alone: "[64:ff9b::a00:1]".
  const [head = '', tail] = formInUrl(address).slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const omitted = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...omitted, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function covers(blocks: BlockList, address: string): boolean {
  return blocks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/**
 * What is not the public Internet: private, shared, loopback, link-local, multicast, reserved and documentation
 * addresses.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const specialIpv4 = Networks.parse(
  [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/3',
    // Looks public, and is what a virtual machine at Azure asks for its configuration and secrets.
    '168.63.129.16',
  ].join(),
)

// All that has been given out for use on the public Internet.
const globalIpv6 = Networks.parse('2000::/3')

/**
 * The parts of it with other purposes: protocols such as Teredo, documentation, and 6to4, which can stand for any IPv4
 * address.
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const specialIpv6 = Networks.parse('2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20')

/**
 * Whether an address is of the public Internet. One that stands for an IPv4 address, as `::ffff:10.0.0.1` and, behind a
 * NAT64, `64:ff9b::10.0.0.1`, is as public as that one.
 */
export function isPublic(address: string): boolean {
  const ipv4 = ipv4Of(address)
  if (ipv4 !== undefined) return !specialIpv4.cover(ipv4)
  return isIP(address) === 6 && globalIpv6.cover(address) && !specialIpv6.cover(address)
}

/** The IPv4 address that an address is or stands for; undefined if there is none. */
function ipv4Of(address: string): string | undefined {
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : undefined
  // A URL has one form for each address: "[::ffff:a00:1]".
  const [, high, low] =
    /^\[(?:::ffff|64:ff9b:):([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(formInUrl(address)) ?? []
  if (high === undefined || low === undefined) return undefined
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16BE(Number.parseInt(high, 16), 0)
  bytes.writeUInt16BE(Number.parseInt(low, 16), 2)
  return bytes.join('.')
}

/** An address with a zone, as "fe80::1%eth0", has no form in a URL: it is empty. */
function formInUrl(address: string): string {
  const url = `http://[${address}]/`
  return URL.canParse(url) ? new URL(url).hostname : ''
}

import { expect, test } from 'vitest'
import { isPublic, Networks, NetworksError } from '../../src/outgoing/networks.ts'

test.each([
  [
    '1.1.1.1',
    '8.8.8.8',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.1.1',
    '100.63.0.1',
    '100.128.0.1',
    '223.255.255.254',
  ],
  ['2606:4700::1111', '2a00:1450:4001::200e', '::ffff:1.1.1.1', '::ffff:101:101', '64:ff9b::8.8.8.8'],
])('addresses of the Internet are public: %s, %s …', (...addresses) => {
  expect(addresses.filter((address) => !isPublic(address))).toEqual([])
})

test.each([
  ['loopback', ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '::ffff:10.0.0.1', '::ffff:a00:1']],
  ['unique-local and site-local', ['fc00::1', 'fd12:3456::1', 'fec0::1']],
  ['link-local', ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', '::ffff:169.254.1.1']],
  [
    'of the metadata of clouds',
    ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  ],
  ['shared by the customers of a carrier', ['100.64.0.1', '100.127.255.255']],
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0']],
  ['behind a NAT64 and private', ['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1']],
  ['that stand for others', ['2002:a00:1::1', '2001:0:a00:1::1', '::ffff:0:10.0.0.1']],
  ['multicast and broadcast', ['224.0.0.1', '239.1.1.1', '255.255.255.255', 'ff02::1']],
  [
    'for documentation and tests',
    ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1', '3fff::1'],
  ],
  ['none at all', ['', 'localhost', '1.1.1', '0x7f.0.0.1']],
])('addresses that are %s are not public', (_, addresses) => {
  expect(addresses.filter(isPublic)).toEqual([])
})

test('allowed networks cover their addresses, also as those that stand for them', () => {
  const networks = Networks.parse(' 10.0.0.0/8,192.168.1.7 , fd00::/8')
  const covered = [
    '10.255.0.1',
    '192.168.1.7',
    '::ffff:10.0.0.1',
    '::ffff:c0a8:107',
    '64:ff9b::10.0.0.1',
    'fd12::1',
  ]
  const others = ['11.0.0.1', '192.168.1.8', '::ffff:11.0.0.1', 'fe80::1', '::1', '1.1.1.1']
  expect([...covered, ...others].filter((address) => networks.cover(address))).toEqual(covered)
  expect(['127.0.0.1', '::1', '1.1.1.1'].filter((address) => Networks.none.cover(address))).toEqual([])
})

test.each([
  '',
  '10.0.0.0/8,',
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0/8',
  'example.com',
  '10.0.0.0/8 fd00::/8',
  '10.0.0.0/-1',
])('what is no list of networks is refused: %j', (text) => {
  expect(() => Networks.parse(text)).toThrow(NetworksError)
})

test.each([
  ['10.0.0.1/8', '10.0.0.0/8'],
  ['192.168.1.255/31', '192.168.1.254/31'],
  ['1.2.3.4/0', '0.0.0.0/0'],
  ['fd00::1/8', 'fd00::/8'],
  ['fd12:3456:789a:1::/47', 'fd12:3456:789a::/47'],
  ['::ffff:10.0.0.1/104', '::ffff:a00:0/104'],
  ['1:2:3:4:5:6:7:9/127', '1:2:3:4:5:6:7:8/127'],
  ['ff::/0', '::/0'],
])('an address with the length of its block is refused, and the block named: %s', (text, block) => {
  expect(() => Networks.parse(text)).toThrow(`the block ${block}. Write ${block} to allow`)
  expect(() => Networks.parse(block)).not.toThrow()
})

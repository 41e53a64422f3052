import { describe, expect, test } from 'vitest'
import {
  codesPath,
  graphiqlPath,
  matchRoute,
  Parameters,
  rejectedRowsPath,
  schemaPath,
} from '../src/routes.ts'

const poolId = 'UG9vbDox'
const pathOf = (link: string) => link.split('?')[0] ?? ''

describe('a path', () => {
  test('of a link leads to its route, with the id', () => {
    const codes = codesPath(poolId, { status: 'ALL' })
    expect(codes).toBe(`/pools/${poolId}/codes.csv?status=ALL`)
    expect(matchRoute(pathOf(codes))).toEqual({ name: 'codesFile', id: poolId })
    expect(matchRoute(rejectedRowsPath('VGFzazox'))).toEqual({ name: 'rejectedRowsFile', id: 'VGFzazox' })
    expect(matchRoute(schemaPath)).toEqual({ name: 'schema', id: '' })
    expect(matchRoute(graphiqlPath('a/b.js'))).toEqual({ name: 'graphiqlFile', id: 'a/b.js' })
  })

  test('has its id decoded, or as it is if that is not possible', () => {
    expect(matchRoute('/pools/UG9vbDo%3D/codes')).toEqual({ name: 'codesUpload', id: 'UG9vbDo=' })
    expect(matchRoute('/pools/%/codes')).toEqual({ name: 'codesUpload', id: '%' })
  })

  test('of a file of GraphiQL is not decoded, so that the file has one address', () => {
    expect(matchRoute('/graphiql/a/%70age.js')).toEqual({ name: 'graphiqlFile', id: 'a/%70age.js' })
  })

  test.each([
    '/',
    '/pools',
    '/pools/UG9vbDox',
    '/pools/UG9vbDox/promo-codes',
    '/pools/UG9vbDox/all-codes',
    '/tasks/VGFzazox',
    '/formats',
    '/formats/Rm9ybWF0',
    '/codes',
    '/activity',
    '/keys',
    '/webhooks',
    '/webhooks/V2ViaG9vazox',
  ])('"%s" leads to the page of the console', (path) => {
    expect(matchRoute(path)?.name).toBe('console')
  })

  test.each([
    '',
    '/graphql/',
    '/GraphQL',
    '//graphql',
    '/a/../graphql',
    '/pools//codes',
    '/pools/a/b/codes',
    '/pools/a/codes.csv/',
    '/pools/a/codesXcsv',
    '/pools/a/codes.csvx',
    '/graphiql/',
    '/console/',
    '/pools/',
    '/pools/a/b/c',
    '/pools/a/Promo',
    '/keys/a',
    '/tasks',
    '/tasks/a/b',
    '/sign-in/',
    '/index.html',
    '/schemaXgraphql',
    '/schema.graphql/',
  ])('"%s" leads nowhere', (path) => {
    expect(matchRoute(path)).toBeUndefined()
  })
})

describe('query parameters', () => {
  const read = (search: string) =>
    new Parameters(search, ['raw', 'name'], (name, text) => new Error(`${name}: ${text}`), {
      former: ['old'],
    })

  test('are read by name, with or without a leading question mark', () => {
    for (const search of ['raw=true&name=a%20b', '?raw=true&name=a%20b']) {
      expect(read(search).flag('raw')).toBe(true)
      expect(read(search).text('name')).toBe('a b')
    }
    expect(read('').flag('raw')).toBeUndefined()
    expect(read('?raw=false').flag('raw')).toBe(false)
    expect(read('?old=1').text('old')).toBe('1')
  })

  test.each([
    ['?rwa=true', 'rwa: There is no parameter "rwa": there are raw, name.'],
    ['?raw=true&old=1&old=2', 'old: old is given more than once.'],
    ['?raw=true&raw=true', 'raw: raw is given more than once.'],
    ['?raw=yes', 'raw: raw is true or false, not "yes".'],
    ['?raw=', 'raw: raw is true or false, not "".'],
  ])('%s is not possible', (search, message) => {
    expect(() => read(search).flag('raw')).toThrow(message)
  })
})

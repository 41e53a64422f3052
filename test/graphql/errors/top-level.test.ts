import { GraphQLError } from 'graphql'
import { describe, expect, test } from 'vitest'
import { RateLimitedError } from '../../../src/domain/books/errors.ts'
import { publicError } from '../../../src/graphql/errors/top-level.ts'
import { silent } from '../../support/books.ts'

describe('a key that has looked for too much', () => {
  const error = new RateLimitedError(1_500)

  test('is told when to try again, in the HTTP header too when nothing else is answered', () => {
    expect(publicError(error, silent).extensions).toEqual({
      code: 'RATE_LIMITED',
      retryAfterMs: 1_500,
      http: { status: 429, headers: { 'Retry-After': '2' } },
    })
  })

  test('is told beside the answers of other fields, which an HTTP status would hide', () => {
    const ofField = new GraphQLError(error.message, { originalError: error, path: ['code'] })
    expect(publicError(ofField, silent).toJSON()).toEqual({
      message: error.message,
      path: ['code'],
      extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_500 },
    })
  })
})

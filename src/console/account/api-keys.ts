import { type FragmentOf, graphql } from '../api/graphql.ts'
import { Refusal } from '../api/submit.ts'

export const ApiKeyInList = graphql(`
  fragment ApiKeyInList on ApiKey {
    id
    name
    hint
    scopes
    createdAt
    lastUsedAt
    revokedAt
  }
`)

export type ApiKey = FragmentOf<typeof ApiKeyInList>

export const ApiKeysQuery = graphql(
  `
    query ApiKeys {
      account {
        id
        apiKeys {
          ...ApiKeyInList
        }
      }
    }
  `,
  [ApiKeyInList],
)

export const CreateApiKey = graphql(
  `
    mutation CreateApiKey($input: CreateApiKeyInput!) {
      createApiKey(input: $input) {
        __typename
        ... on CreateApiKeyPayload {
          secret
          apiKey {
            id
            name
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

export const RevokeApiKey = graphql(
  `
    mutation RevokeApiKey($input: RevokeApiKeyInput!) {
      revokeApiKey(input: $input) {
        __typename
        ... on RevokeApiKeyPayload {
          apiKey {
            id
            revokedAt
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

import { graphql, type VariablesOf } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { TaskDetails } from '../tasks/task-details.ts'
import { SavedSettings } from './settings.ts'

const SaveSettings = graphql(
  `
    mutation SaveReplenishment($input: SaveReplenishmentInput!) {
      saveReplenishment(input: $input) {
        __typename
        ... on SaveReplenishmentPayload {
          pool {
            ...PoolCounts
            ...SavedSettings
          }
          refill {
            ...TaskDetails
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, SavedSettings, TaskDetails, Refusal],
)

export type SaveInput = VariablesOf<typeof SaveSettings>['input']

/** Saves the Promo Codes section. */
export const useSave = () => useSubmit(SaveSettings)

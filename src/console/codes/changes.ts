import { graphql } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { PoolCounts } from '../live/events.tsx'
import { text } from '../text.ts'
import { type ChangeOutcome, useVoiding } from './voiding.ts'

/** What can be done with many codes of a pool at once. */
export type Change = 'withdraw' | 'restore' | 'void' | 'unvoid'

interface ChangeInput {
  poolId: string
  taskId?: string
  reason?: string
  keepAutoGenerate?: boolean
}

export const AddedCodesQuery = graphql(`
  query AddedCodesOfTask($id: ID!) {
    task(id: $id) {
      id
      addedCodes {
        availableCount
        claimedCount
        withdrawnCount
      }
    }
  }
`)

export const AutoGenerateQuery = graphql(`
  query AutoGenerate($poolId: ID!) {
    pool(id: $poolId) {
      id
      replenishment {
        autoGenerate
      }
    }
  }
`)

const WithdrawMutation = graphql(
  `
    mutation WithdrawCodes($input: WithdrawCodesInput!) {
      withdrawCodes(input: $input) {
        __typename
        ... on WithdrawCodesPayload {
          withdrawnCount
          pool {
            ...PoolCounts
            replenishment {
              autoGenerate
            }
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

const RestoreMutation = graphql(
  `
    mutation RestoreCodes($input: RestoreCodesInput!) {
      restoreCodes(input: $input) {
        __typename
        ... on RestoreCodesPayload {
          restoredCount
          pool {
            ...PoolCounts
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [PoolCounts, Refusal],
)

/** Carries out a change of the codes of a pool, or of those that one task added. */
export function useChange(change: Change): [submit: (input: ChangeInput) => Promise<ChangeOutcome>, boolean] {
  const [withdraw, isWithdrawing] = useSubmit(WithdrawMutation)
  const [restore, isRestoring] = useSubmit(RestoreMutation)
  const { voidThem, unvoidThem, isVoiding } = useVoiding()
  const submit = async (input: ChangeInput): Promise<ChangeOutcome> => {
    const { poolId, taskId = '', reason } = input
    switch (change) {
      case 'withdraw': {
        const { payload, problems } = await withdraw({ input })
        return problems ? { problems } : { done: text.codes.changes.withdraw.done(payload.withdrawnCount) }
      }
      case 'restore': {
        const { payload, problems } = await restore({ input: { poolId, ...(taskId !== '' && { taskId }) } })
        return problems ? { problems } : { done: text.codes.changes.restore.done(payload.restoredCount) }
      }
      case 'void':
        return voidThem({ taskId }, reason)
      case 'unvoid':
        return unvoidThem({ taskId })
    }
  }
  return [submit, isWithdrawing || isRestoring || isVoiding]
}

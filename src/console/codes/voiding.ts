import { graphql } from '../api/graphql.ts'
import type { Problem } from '../api/read-problems.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { list } from '../intl.ts'
import { PoolCounts } from '../live/events.tsx'
import { text } from '../text.ts'

/** Claimed codes: of a claim, a task or a recipient, or some that were chosen. */
export type ClaimedCodesInput =
  | { claimId: string }
  | { taskId: string }
  | { codeIds: string[] }
  | { recipient: { recipient: string; poolId?: string } }

/** What was done, in words, or why nothing was. */
export type ChangeOutcome =
  | { done: string; problems?: never }
  | { done?: never; problems: readonly Problem[] }

const VoidMutation = graphql(
  `
    mutation VoidCodes($input: VoidCodesInput!) {
      voidCodes(input: $input) {
        __typename
        ... on VoidCodesPayload {
          voidedCount
          alreadyVoidCount
          redeemedCount
          notClaimedCount
          pools {
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

const UnvoidMutation = graphql(
  `
    mutation UnvoidCodes($input: UnvoidCodesInput!) {
      unvoidCodes(input: $input) {
        __typename
        ... on UnvoidCodesPayload {
          unvoidedCount
          notVoidCount
          pools {
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

/** Voids and unvoids claimed codes. Each resolves to what was done, in words and numbers. */
export function useVoiding() {
  const [sendVoid, isVoidingNow] = useSubmit(VoidMutation)
  const [sendUnvoid, isUnvoiding] = useSubmit(UnvoidMutation)
  const words = text.codes.voiding
  return {
    isVoiding: isVoidingNow || isUnvoiding,
    async voidThem(select: ClaimedCodesInput, reason = ''): Promise<ChangeOutcome> {
      const { payload, problems } = await sendVoid({
        input: { select, ...(reason.trim() !== '' && { reason }) },
      })
      if (problems) return { problems }
      const { voidedCount, alreadyVoidCount, redeemedCount, notClaimedCount } = payload
      return {
        done: sentence([
          words.voided(voidedCount),
          ...(alreadyVoidCount === '0' ? [] : [words.alreadyVoid(alreadyVoidCount)]),
          ...(redeemedCount === '0' ? [] : [words.redeemed(redeemedCount)]),
          ...(notClaimedCount === '0' ? [] : [words.notClaimed(notClaimedCount)]),
        ]),
      }
    },
    async unvoidThem(select: ClaimedCodesInput): Promise<ChangeOutcome> {
      const { payload, problems } = await sendUnvoid({ input: { select } })
      if (problems) return { problems }
      const { unvoidedCount, notVoidCount } = payload
      return {
        done: sentence([
          words.unvoided(unvoidedCount),
          ...(notVoidCount === '0' ? [] : [words.notVoid(notVoidCount)]),
        ]),
      }
    },
  }
}

const sentence = (parts: readonly string[]) => `${list(parts)}.`

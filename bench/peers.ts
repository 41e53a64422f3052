import type { Code as CodeValue } from '../src/domain/code.ts'
import {
  IdempotencyConflictError,
  InvalidInputError,
  NotEnoughCodesError,
  NotFoundError,
} from '../src/domain/errors.ts'
import { builder } from '../src/graphql/builder.ts'
import { ClaimCodesInput, ClaimCodesPayload, Code } from '../src/graphql/code.ts'
import { uuidOf } from '../src/graphql/ids.ts'
import type { CodeRows } from './usual/code-rows.ts'

const likeCodes = Array.from({ length: 10_000 }, (_, i) =>
  likeCode(`ABCD-EFGH-${String(i).padStart(4, '0')}`),
)

/** Adds what claims are compared with to the API: fields of the same shape that do less, or do it in another way. */
export function addPeers(codeRows: CodeRows | undefined): void {
  addClaimLike('doNothing', (poolId) => Promise.resolve({ codes: likeCodes.slice(0, 1), poolId }))
  if (codeRows !== undefined)
    addClaimLike('claimRow', async (poolId) => ({ codes: [likeCode(await codeRows.claim(poolId))], poolId }))
  builder.queryField('likeCodes', (t) =>
    t.field({ type: [Code], description: '10,000 like objects.', resolve: () => likeCodes }),
  )
}

/** A mutation with the input, the scope and the answers of claimCodes. */
function addClaimLike(
  name: string,
  claim: (poolId: string) => Promise<{ codes: CodeValue[]; poolId: string }>,
): void {
  builder.mutationField(name, (t) =>
    t.field({
      type: ClaimCodesPayload,
      nullable: true,
      authScopes: { scope: 'CLAIM' },
      errors: {
        types: [InvalidInputError, NotFoundError, NotEnoughCodesError, IdempotencyConflictError],
      },
      args: { input: t.arg({ type: ClaimCodesInput, required: true }) },
      resolve: (_root, { input }) => claim(uuidOf('Pool', input.poolId)),
    }),
  )
}

function likeCode(code: string): CodeValue {
  return {
    formatId: '00000000-0000-0000-0000-000000000000',
    index: 0n,
    code,
    poolId: '00000000-0000-0000-0000-000000000000',
    claim: { at: new Date(), recipient: undefined },
  }
}

import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import type { Moved } from '../domain/stock/lock-stock.ts'
import { restoreCodes } from '../domain/stock/restore.ts'
import { withdrawCodes } from '../domain/stock/withdraw.ts'
import { builder } from './builder.ts'
import { loadedReads } from './field-rules.ts'
import { inputId } from './ids.ts'
import { existing, type Nodes } from './nodes.ts'
import { Pool } from './pool.ts'

const WithdrawCodesPayload = builder.objectRef<Moved>('WithdrawCodesPayload').implement({
  description: 'The codes were withdrawn. They cannot be claimed until they are restored.',
  fields: (t) => ({
    pool: t.field({
      type: Pool,
      description: 'The pool as it was right after the codes were withdrawn.',
      weight: { reads: loadedReads },
      resolve: asOfThen,
    }),
    withdrawnCount: t.expose('count', {
      type: 'BigInt',
      description:
        'The number of codes that were withdrawn. 0 if none of those that you chose were available.',
    }),
  }),
})

const RestoreCodesPayload = builder.objectRef<Moved>('RestoreCodesPayload').implement({
  description: 'The codes were restored. They can be claimed, after those that were available before.',
  fields: (t) => ({
    pool: t.field({
      type: Pool,
      description: 'The pool as it was right after the codes were restored.',
      weight: { reads: loadedReads },
      resolve: asOfThen,
    }),
    restoredCount: t.expose('count', {
      type: 'BigInt',
      description:
        'The number of codes that were restored. 0 if none of those that you chose were withdrawn.',
    }),
  }),
})

function asOfThen({ pool }: Moved, _args: unknown, { nodes }: { nodes: Nodes }) {
  return existing(nodes.pool, pool.id)
}

const WithdrawCodesInput = builder.inputType('WithdrawCodesInput', {
  description: 'Which codes to withdraw.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    taskId: t.id({
      description:
        'The id of a task of the pool: only available codes that it added are withdrawn. If left out, all available codes are.',
    }),
    keepAutoGenerate: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether auto-generation stays on, if it is on: the pool is then refilled if this brings it down to its ' +
        'threshold. By default, auto-generation is turned off, so that no new codes replace those that are withdrawn. ' +
        'With true and without taskId, it is not safe to repeat: each time, the codes of the refill before are withdrawn, ' +
        'too. If an answer was lost, look at withdrawnCount of the pool first.',
    }),
    reason: t.string({
      description: 'The reason, for the history of the pool: 1 to 1,000 characters.',
    }),
  }),
})

const RestoreCodesInput = builder.inputType('RestoreCodesInput', {
  description: 'Which codes to restore.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    taskId: t.id({
      description:
        'The id of a task of the pool: only withdrawn codes that it added are restored. If left out, all withdrawn codes are.',
    }),
  }),
})

builder.mutationFields((t) => ({
  withdrawCodes: t.field({
    type: WithdrawCodesPayload,
    nullable: true,
    description:
      'Withdraws the available codes of a pool, or those of them that a task added: for example, if a file of them has ' +
      'leaked or a campaign has ended. They can no longer be claimed, and are never generated again; restoreCodes brings ' +
      'them back. Claimed codes stay as they are. Turns auto-generation off, even if no codes are available, unless ' +
      'keepAutoGenerate is true. Takes the same time for any number of codes. If nothing is available, that is not an ' +
      'error. Safe to repeat, except with keepAutoGenerate for a whole pool. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'How many codes were withdrawn, or why none were.' },
    },
    args: {
      input: t.arg({ type: WithdrawCodesInput, required: true, description: 'The codes to withdraw.' }),
    },
    resolve: async (_root, { input }, { books, accountId, nodes }) => {
      const moved = await withdrawCodes(books, accountId, {
        poolId: inputId('Pool', input.poolId, 'poolId'),
        taskId: input.taskId == null ? undefined : inputId('Task', input.taskId, 'taskId'),
        keepAutoGenerate: input.keepAutoGenerate,
        reason: input.reason ?? undefined,
      })
      nodes.showAsOf({ pool: moved.pool })
      return moved
    },
  }),
  restoreCodes: t.field({
    type: RestoreCodesPayload,
    nullable: true,
    description:
      'Restores the withdrawn codes of a pool, or those of them that a task added: they can be claimed again, after the ' +
      'codes that are available now. If withdrawing turned auto-generation off, turn it on again (saveReplenishment). ' +
      'Also works on an archived pool. Takes the same time for any number of codes. If nothing is withdrawn, that is not ' +
      'an error. Codes that may have been handed out before the database was restored from a backup stay withdrawn. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'How many codes were restored, or why none were.' },
    },
    args: {
      input: t.arg({ type: RestoreCodesInput, required: true, description: 'The codes to restore.' }),
    },
    resolve: async (_root, { input }, { books, accountId, nodes }) => {
      const moved = await restoreCodes(books, accountId, {
        poolId: inputId('Pool', input.poolId, 'poolId'),
        taskId: input.taskId == null ? undefined : inputId('Task', input.taskId, 'taskId'),
      })
      nodes.showAsOf({ pool: moved.pool })
      return moved
    },
  }),
}))

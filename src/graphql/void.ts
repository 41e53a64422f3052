import type { CodeVoid as CodeVoidValue } from '../domain/usage/usage.ts'
import { maxReasonLength } from '../domain/void/void.ts'
import { builder } from './builder.ts'
import { Code, usageOf } from './code.ts'
import { loadedReads } from './field-rules.ts'

// Any character may be a control character.
const maxReasonBytes = 6 * maxReasonLength + 2
const usualReasonBytes = 200

const CodeVoid = builder.objectRef<CodeVoidValue>('CodeVoid').implement({
  description: 'The fact that a claimed code is no longer good, whether it has expired or not.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When the code was voided.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      weight: { bytes: maxReasonBytes, usualBytes: usualReasonBytes },
      description: 'The reason that was given. Null if none was.',
    }),
  }),
})

builder.objectField(Code, 'void', (t) =>
  t.field({
    type: CodeVoid,
    nullable: true,
    description: 'Since when and why the code is void (voidCodes). Null if it is not.',
    weight: { reads: loadedReads },
    resolve: async (code, _args, context) => (await usageOf(code, context)).void ?? null,
  }),
)

import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin, { type AuthFailure } from '@pothos/plugin-scope-auth'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { Scope } from '../generated/prisma/client.ts'
import type { Context } from './context.ts'
import FieldRulesPlugin, { forbidden } from './field-rules.ts'
import type { FormFile } from './form-file.ts'
import { decodeId, encodeId } from './ids.ts'
import { maxCursorBytes, maxPageSize } from './max-sizes.ts'

export interface SchemaTypes {
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  /** `anyScope`: any one of these is enough. */
  AuthScopes: { scope: Scope; anyScope: readonly Scope[] }
  /** The fields of connections besides edges and pageInfo. */
  Connection: { totalCount?: () => Promise<bigint> | bigint }
  DefaultNodeNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  Scalars: {
    ID: { Input: string; Output: string | bigint | number }
    BigInt: { Input: bigint; Output: bigint }
    DateTime: { Input: Date; Output: Date }
    /** In milliseconds. */
    Duration: { Input: bigint; Output: bigint }
    File: { Input: FormFile; Output: never }
  }
}

export const builder = new SchemaBuilder<SchemaTypes>({
  // The errors plugin comes first, so that it catches what the others throw.
  plugins: [ErrorsPlugin, ScopeAuthPlugin, FieldRulesPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: {
    directResult: true,
    defaultUnionOptions: { name: ({ fieldName }) => `${capitalize(fieldName)}Result` },
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ scopes }) => ({
      scope: (scope) => scopes.includes(scope),
      anyScope: (enough) => enough.some((scope) => scopes.includes(scope)),
    }),
    unauthorizedError: (_parent, _context, info, result) =>
      forbidden(`${info.parentType.name}.${info.fieldName}`, scopesOf(result.failure)),
  },
  relay: {
    cursorType: 'String',
    encodeGlobalID: encodeId,
    decodeGlobalID: decodeId,
    nodeTypeOptions: { description: 'An object with a global id. Read it by that id with node.' },
    pageInfoTypeOptions: {
      description: 'The position of a page in its list, and the cursors for the pages before and after it.',
    },
    cursorFieldOptions: {
      description: 'The position in the list: pass it as `after` or `before` to continue from here.',
      weight: { bytes: maxCursorBytes },
    },
    nodeFieldOptions: { description: 'The item.', nullable: false },
    edgesFieldOptions: {
      description: 'The items of the page with their cursors, in the order of the list.',
      nullable: { list: false, items: false },
      weight: (_args, { items = maxPageSize }) => ({ items }),
    },
    pageInfoFieldOptions: { description: 'The position of the page in the list.' },
    hasNextPageFieldOptions: { description: 'Whether the list has items after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list has items before this page.' },
    startCursorFieldOptions: {
      description: 'The cursor of the first item of the page. Null on an empty page.',
      weight: { bytes: maxCursorBytes },
    },
    endCursorFieldOptions: {
      description:
        'The cursor of the last item of the page: pass it as `after` for the next page. Null on an empty page.',
      weight: { bytes: maxCursorBytes },
    },
    idFieldOptions: { description: 'The global id.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
  },
  prisma: {
    client: (context) => context.books.prisma,
    dmmf: getDatamodel(),
    exposeDescriptions: false,
    filterConnectionTotalCount: true,
  },
})

/** The scopes of which one would have been enough. */
function scopesOf(failure: AuthFailure): readonly string[] {
  if ('failures' in failure) return failure.failures.flatMap(scopesOf)
  if (!('parameter' in failure)) return []
  return [failure.parameter].flat().filter((scope) => typeof scope === 'string')
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** The schema types of this builder, for the type parameters of its refs. */
export type Types = typeof builder.$inferSchemaTypes

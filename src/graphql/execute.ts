import { execute as executeWithYoga, isIncrementalResult } from '@graphql-tools/executor'
import { RequestCache } from '@pothos/plugin-scope-auth'
import type { ExecutionResult, ValidatedExecutionArgs } from 'graphql'
import type { Context } from './context.ts'

/** What graphql prepares of an operation, with the context that its resolvers get. */
export type Executable = ValidatedExecutionArgs & { contextValue: Context }

/**
 * Executes a query or a mutation, or a subscription for one event, its root value. With Yoga's executor: that of graphql makes,
 * and aborts, an AbortController each time.
 */
export async function execute({
  schema,
  document,
  operation,
  rawVariableValues: variableValues,
  rootValue,
  contextValue,
}: Executable): Promise<ExecutionResult> {
  const operationName = operation.name?.value
  const result = await executeWithYoga({
    schema,
    document,
    operationName,
    variableValues,
    rootValue,
    contextValue,
  })
  // The plugin keeps what it knows of a context in a WeakMap, whose values outlive V8's collections of young objects: the
  // contexts of all operations would wait for a collection of the whole heap, which cost a claim a fifth of its time.
  RequestCache.clearForContext(contextValue)
  if (isIncrementalResult(result))
    throw new Error('An answer has parts, which no directive of the schema makes.')
  return result
}

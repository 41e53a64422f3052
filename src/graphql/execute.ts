import { execute as executeWithYoga, isIncrementalResult } from '@graphql-tools/executor'
import { RequestCache } from '@pothos/plugin-scope-auth'
import type { ExecutionResult, ValidatedExecutionArgs } from 'graphql'
import type { Context } from './context.ts'

/** An operation that graphql has prepared, and the context that its resolvers get. */
export type Executable = ValidatedExecutionArgs & { contextValue: Context }

/**
 * Executes a query or a mutation, or a subscription for one event, which is the root value. Uses Yoga's executor, because that of
 * graphql creates and aborts an AbortController for each operation, which takes as long as all the rest.
 *
 * graphql-jit, which makes JavaScript of a document, takes half as long, but must not be given documents of strangers: in its
 * version 0.8.9, what a string argument contains can become part of the code and run.
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
  // contexts of all operations would wait for a collection of the whole heap, which cost a claim a fifth of its time. Events
  // that are executed at the same time share a context: what is forgotten here is worked out again.
  RequestCache.clearForContext(contextValue)
  if (isIncrementalResult(result))
    throw new Error('An answer has parts, which no directive of the schema makes.')
  const { errors } = result
  // Copied: if an error ends an operation, resolvers that still run add theirs to the executor's own list.
  return errors === undefined ? result : { ...result, errors: [...errors] }
}

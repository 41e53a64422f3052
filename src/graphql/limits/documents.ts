import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  Lexer,
  parse,
  type SelectionSetNode,
  Source,
  specifiedRules,
  TokenKind,
  TypeInfo,
  type ValidatedExecutionArgs,
  ValidationContext,
  validateExecutionArgs,
  visit,
  visitInParallel,
  visitWithTypeInfo,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { yieldToEventLoop } from '../../async/pacer.ts'
import { grouped } from '../../grouped.ts'
import { withoutSecrets } from '../../log.ts'
import { quoted } from '../../quoted.ts'
import type { OperationNames } from '../../telemetry/request-record.ts'
import { type TopLevelErrorCode, topLevelError } from '../errors/top-level.ts'
import { weighDocument } from './document-weight.ts'
import {
  adviceForLevels,
  type DocumentWeight,
  findExcess,
  fragmentsOf,
  type LimitTexts,
  maxComments,
  maxDocument,
  maxDocumentLength,
  maxTokens,
  maxVariables,
} from './limits.ts'

// Bounds of the errors of one operation. The longer the text that an error quotes, the longer it takes to create.
const maxErrors = 10
const maxVariableErrors = 3
const maxErrorLength = 1_000
const maxErrorsLength = 10_000
const maxErrorNodes = 5

// Each error counts lines to find its location. In longer documents, errors have no location.
const maxLocatedLines = 500

// Reading a longer document takes milliseconds: it yields to the event loop between the steps and the groups of rules.
const longDocumentTokens = 1_000
const maxRulesAtOnce = 8

// The memory of all cached documents, and of each of them, as estimated by `memoryOf`.
const maxKeptBytes = 32_000_000
const maxKeptDocumentBytes = maxKeptBytes / 16

/** An operation as a client sends it. */
export interface OperationText {
  query: string
  operationName?: string | null | undefined
  variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** The result of reading an operation. */
export type OperationReading =
  /** The document is valid. */
  | ({
      document: DocumentNode
      names: OperationNames
      /** The length of the document and the variables, in characters. */
      length: number
    } & (
      | { args: ValidatedExecutionArgs }
      /** The variables are not: this is the answer. */
      | { variableErrors: GraphQLError[] }
    ))
  /** The operation is refused. */
  | { errors: GraphQLError[] }

/**
 * Parses and validates operations within the limits of limits.ts. Small valid documents are cached: while one is,
 * equal texts yield the same object. Nothing else that a client sends stays in memory.
 */
export class Documents {
  readonly #schema: GraphQLSchema
  readonly #kept = new LRUCache<string, DocumentNode>({
    maxSize: maxKeptBytes,
    maxEntrySize: maxKeptDocumentBytes,
    sizeCalculation: memoryOf,
  })

  /** What the operations of documents ask for, by their names. */
  readonly #names = new WeakMap<DocumentNode, Map<string, OperationNames>>()

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /** An estimate of the memory of the cached documents, in bytes. */
  get keptBytes(): number {
    return this.#kept.calculatedSize
  }

  async read(operation: OperationText): Promise<OperationReading> {
    const { query } = operation
    try {
      const text = trimmedCopy(query)
      const document = this.#kept.get(text) ?? (await this.#readDocument(text))
      checkOperation(document, operation.operationName)
      const names = this.#namesOf(document, operation.operationName)
      const variables = checkVariables(operation.variables ?? {})
      if (variables instanceof GraphQLError)
        return { document, names, length: query.length, variableErrors: [variables] }
      const length = query.length + variables.length
      return { document, names, length, ...this.#readVariables(document, operation, variables.length) }
    } catch (error) {
      if (error instanceof InvalidOperation) return { errors: error.errors }
      throw error
    }
  }

  async #readDocument(text: string): Promise<DocumentNode> {
    const document = parseDocument(text)
    const isLong = (document.tokenCount ?? 0) > longDocumentTokens
    if (isLong) await yieldToEventLoop()
    checkWeight(document)
    if (isLong) await yieldToEventLoop()
    await validateDocument(this.#schema, document, isLong ? maxRulesAtOnce : specifiedRules.length)
    // Another request may have just read the same text.
    const kept = this.#kept.get(text)
    if (kept !== undefined) return kept
    this.#kept.set(text, document)
    return document
  }

  #namesOf(document: DocumentNode, operationName: string | null | undefined): OperationNames {
    const ofDocument = this.#names.get(document) ?? new Map<string, OperationNames>()
    this.#names.set(document, ofDocument)
    const key = operationName ?? ''
    const names = ofDocument.get(key) ?? namesOf(this.#schema, document, operationName)
    ofDocument.set(key, names)
    return names
  }

  /** The variables, of this length in characters, as the operation declares them; or why they do not fit it. */
  #readVariables(
    document: DocumentNode,
    { operationName, variables }: OperationText,
    length: number,
  ): { args: ValidatedExecutionArgs } | { variableErrors: GraphQLError[] } {
    // An error may quote a whole value.
    const maxCoercionErrors = length > maxErrorsLength ? 1 : maxVariableErrors
    const args = validateExecutionArgs({
      schema: this.#schema,
      document,
      operationName,
      variableValues: variables,
      options: { maxCoercionErrors },
    })
    if ('schema' in args) return { args }
    const errors = args.slice(0, maxCoercionErrors)
    return { variableErrors: errors.map((error) => invalid(error.message, error)) }
  }
}

/** An estimate of a document's memory, in bytes, fitted to measurements of long documents; short ones have a base cost. */
export function memoryOf(document: DocumentNode, text: string = document.loc?.source.body ?? ''): number {
  return 4_000 + 2 * text.length + 800 * (document.tokenCount ?? 0)
}

/** Thrown to refuse an operation. */
class InvalidOperation extends Error {
  readonly errors: GraphQLError[]

  constructor(errors: GraphQLError[]) {
    super()
    this.errors = errors
  }
}

/** The text without white space at its end. */
function trimmedCopy(text: string): string {
  const rest = text.trimEnd()
  // A substring would keep the whole text in memory.
  return rest.length === text.length ? text : JSON.parse(JSON.stringify(rest))
}

function parseDocument(text: string): DocumentNode {
  if (text === '') throw parseFailed('The document is empty. Send a query, a mutation or a subscription.')
  if (text.length > maxDocumentLength)
    throw parseFailed(
      `The document has ${grouped(text.length)} characters. At most ${grouped(maxDocumentLength)} are allowed. Send ` +
        'values as variables, and ask for less in each request.',
    )
  const noLocation = countLines(text) > maxLocatedLines
  try {
    return parse(text, { maxTokens, maxComments, noLocation })
  } catch (error) {
    // The parser recurses with each level.
    if (error instanceof RangeError)
      throw parseFailed(
        `The document is nested too deeply. At most ${maxDocument.levels} levels are allowed. ${adviceForLevels}`,
      )
    if (!(error instanceof GraphQLError)) throw error
    const excess = excessOf(text)
    throw excess === undefined ? parseFailed(shortened(error.message), error) : parseFailed(excess)
  }
}

/** Why the parser stopped, if a document has too many tokens or comments. */
function excessOf(text: string): string | undefined {
  const lexer = new Lexer(new Source(text))
  let tokens = 0
  let comments = 0
  try {
    while (tokens <= maxTokens && comments <= maxComments && lexer.token.kind !== TokenKind.EOF) {
      const token = lexer.advance()
      if (token.kind !== TokenKind.EOF) tokens += 1
      for (let before = token.prev; before?.kind === TokenKind.COMMENT; before = before.prev) comments += 1
    }
  } catch (error) {
    if (error instanceof GraphQLError) return undefined
    throw error
  }
  if (comments > maxComments)
    return `The document has more than ${grouped(maxComments)} comments. Remove them.`
  if (tokens > maxTokens)
    return (
      `The document has more than ${grouped(maxTokens)} tokens (names, values and punctuation). Send values as ` +
      'variables, and ask for less in each request.'
    )
  return undefined
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return lines + (text.includes('\r') ? text.split('\r').length - 1 : 0)
}

const weightTexts: Readonly<Record<keyof DocumentWeight, LimitTexts>> = {
  levels: ['levels', adviceForLevels],
  operations: ['operations', 'Send each operation in its own document.'],
  fragments: ['fragments', 'Send only those that the operation uses, and ask for less in each request.'],
  nameLength: ['characters in one name', 'Use shorter names and aliases.'],
  selections: [
    'fields and fragments, counted again wherever a fragment is spread',
    'Ask for less in each request.',
  ],
  comparisons: [
    'comparisons of fields with the same name in the same place',
    'Select each field once in a place, or under different aliases, and spread fewer fragments there.',
  ],
}

/** Throws InvalidOperation if validating the document would take too long, or if it has no operation. */
function checkWeight(document: DocumentNode): void {
  const weight = weighDocument(document, maxDocument)
  if ('cycle' in weight) {
    const path = weight.cycle.map((name) => `"${name}"`).join(' → ')
    throw validationFailed(`A fragment must not contain itself: ${path}. Break the cycle.`)
  }
  if (weight.operations === 0)
    throw invalidRequest('The document has no operation. Send a query, a mutation or a subscription.')
  const excess = findExcess(weight, maxDocument, weightTexts)
  if (excess === undefined) return
  const { limit, count = `far more than ${limit}`, what, advice } = excess
  throw validationFailed(`The document has ${count} ${what}. At most ${limit} are allowed. ${advice}`)
}

/** Throws InvalidOperation unless it is clear which operation of a document to execute. */
function checkOperation(document: DocumentNode, operationName: string | null | undefined): void {
  if (getOperationAST(document, operationName) != null) return
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  throw invalidRequest(
    operationName == null
      ? `The document has ${operations.length} operations. Send the name of the one to execute as operationName.`
      : `The document has no operation named ${quoted(operationName)}. Send the name of one that it has as operationName.`,
  )
}

// Characters of the name of an operation, in the log.
const maxLoggedName = 100

/** What an operation of a valid document asks for. */
function namesOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): OperationNames {
  const operation = getOperationAST(document, operationName)
  if (operation == null) return { name: undefined, kind: 'unknown', fields: [] }
  const known = schema.getRootType(operation.operation)?.getFields() ?? {}
  const fragments = fragmentsOf(document)
  const fields = new Set<string>()
  const seen = new Set<SelectionSetNode>()
  const add = (selections: SelectionSetNode | undefined) => {
    if (selections === undefined || seen.has(selections)) return
    seen.add(selections)
    for (const selection of selections.selections)
      if (selection.kind === Kind.FIELD)
        fields.add(Object.hasOwn(known, selection.name.value) ? selection.name.value : 'other')
      else if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet)
      else add(fragments.get(selection.name.value)?.selectionSet)
  }
  add(operation.selectionSet)
  const name = operation.name?.value.slice(0, maxLoggedName)
  return { name: name && withoutSecrets(name), kind: operation.operation, fields: [...fields] }
}

/** Ends a validation that has found enough errors. */
class EnoughErrors extends Error {}

/** Rejects with InvalidOperation if the document is not valid. Yields to the event loop after each `rulesAtOnce` rules. */
async function validateDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  rulesAtOnce: number,
): Promise<void> {
  const errors: GraphQLError[] = []
  let length = 0
  const report = (error: GraphQLError) => {
    errors.push(invalid(error.message, error))
    length += error.message.length
    if (errors.length < maxErrors && length < maxErrorsLength) return
    errors.push(invalid('There may be more errors. Correct these first.'))
    throw new EnoughErrors()
  }
  const types = new TypeInfo(schema)
  const context = new ValidationContext(schema, document, types, report)
  try {
    for (let start = 0; start < specifiedRules.length; start += rulesAtOnce) {
      if (start > 0) await yieldToEventLoop()
      const rules = specifiedRules.slice(start, start + rulesAtOnce).map((rule) => rule(context))
      visit(document, visitWithTypeInfo(types, visitInParallel(rules)))
    }
  } catch (error) {
    // graphql has its own bound here, which the rules reach quickly.
    if (error instanceof GraphQLError)
      errors.push(
        invalid(
          'The document uses its fragments and variables in too many operations. Send each operation in its own document.',
        ),
      )
    else if (!(error instanceof EnoughErrors)) throw error
  }
  if (errors.length > 0) throw new InvalidOperation(errors)
}

/** About the length of the variables as JSON, in characters; or the error, if they exceed `maxVariables`. */
function checkVariables(variables: Readonly<Record<string, unknown>>): { length: number } | GraphQLError {
  const open: { value: unknown; level: number }[] = []
  let values = 0
  let length = 0
  const add = (within: readonly unknown[], level: number) => {
    values += within.length
    // Beyond the limit, nothing more needs to be looked at.
    if (values <= maxVariables.values) for (const value of within) open.push({ value, level })
  }
  add(Object.values(variables), 0)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, level } = next
    if (typeof value === 'string') length += value.length
    if (!isNested(value)) continue
    if (level >= maxVariables.levels)
      return tooMuch(`more than ${maxVariables.levels} levels of lists and objects`, noInputHas)
    if (Array.isArray(value)) add(value, level + 1)
    else {
      const names = Object.keys(value)
      if (names.length > maxVariables.fields)
        return tooMuch(`an object with more than ${maxVariables.fields} fields`, noInputHas)
      for (const name of names) length += name.length
      add(Object.values(value), level + 1)
    }
  }
  if (values > maxVariables.values)
    return tooMuch(`more than ${grouped(maxVariables.values)} values`, 'Send them in several requests.')
  // 5: a comma or bracket, and a value that is not a string.
  return { length: length + 5 * values }
}

const noInputHas = 'No input of this API has that many.'

/** Whether it is a list or an object from JSON. A file is neither. */
function isNested(value: unknown): value is readonly unknown[] | Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

function tooMuch(what: string, advice: string): GraphQLError {
  return requestError('BAD_USER_INPUT', `The variables have ${what}. ${advice}`)
}

function parseFailed(message: string, at?: GraphQLError): InvalidOperation {
  return new InvalidOperation([requestError('GRAPHQL_PARSE_FAILED', message, at)])
}

function validationFailed(message: string): InvalidOperation {
  return new InvalidOperation([invalid(message)])
}

function invalidRequest(message: string): InvalidOperation {
  return new InvalidOperation([requestError('BAD_USER_INPUT', message)])
}

function invalid(message: string, at?: GraphQLError): GraphQLError {
  return requestError('GRAPHQL_VALIDATION_FAILED', shortened(message), at)
}

/**
 * An error of the whole request, with the location of `at`. Clients that accept only application/json get the status 200
 * (https://graphql.github.io/graphql-over-http/draft/#sec-application-json).
 */
function requestError(code: TopLevelErrorCode, message: string, at?: GraphQLError): GraphQLError {
  const { extensions } = topLevelError(code, message, { http: { spec: true, status: 400 } })
  return new GraphQLError(message, {
    nodes: at?.nodes?.slice(0, maxErrorNodes),
    ...(at?.nodes === undefined ? { source: at?.source, positions: at?.positions } : {}),
    extensions,
  })
}

function shortened(message: string): string {
  return message.length > maxErrorLength ? `${message.slice(0, maxErrorLength)}…` : message
}

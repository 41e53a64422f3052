import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  Lexer,
  parse,
  Source,
  specifiedRules,
  TokenKind,
  TypeInfo,
  ValidationContext,
  visit,
  visitInParallel,
  visitWithTypeInfo,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { grouped } from '../../grouped.ts'
import { type TopLevelErrorCode, topLevelError } from '../errors/top-level.ts'
import { countless, type DocumentWeight, weighDocument } from './document-weight.ts'
import { checkVariables } from './variables.ts'

/**
 * What an operation's text may be at most. Within these limits none of the steps of reading it takes more than some
 * ten milliseconds; bench/event-loop.ts measures that.
 */
export const maxDocumentLength = 100_000
export const maxTokens = 10_000
export const maxComments = 1_000
export const maxDocument: Readonly<DocumentWeight> = {
  operations: 100,
  fragments: 200,
  levels: 50,
  nameLength: 255,
  selections: 10_000,
  comparisons: 20_000,
}

// What is told of what is wrong with one operation. Working out an error can take as long as what it quotes is.
const maxErrors = 10
const maxVariableErrors = 3
const maxErrorLength = 1_000
const maxErrorsLength = 10_000
const maxErrorNodes = 5

// Each error looks for its place line by line. In longer documents none is told.
const maxLocatedLines = 500

// From here on, reading a document takes milliseconds: others have their turn between the steps, and between these
// many rules.
const manyTokens = 1_000
const rulesAtOnce = 8

// All documents that are kept, and each of them, in bytes as `memoryOf` estimates them.
const maxKeptBytes = 32_000_000
const maxKeptDocumentBytes = maxKeptBytes / 16

/** What a client sends to be executed. */
export interface OperationText {
  query: string
  operationName?: string | null | undefined
  variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** What became of an operation's text. */
export type Reading =
  /** The document is valid. */
  | {
      document: DocumentNode
      /** What is wrong with the variables, if anything: then the operation is answered with that. */
      variableErrors: GraphQLError[] | undefined
      /** How long the document and the variables are, in characters. */
      length: number
    }
  /** Everything that is to be told of why the document is refused. */
  | { errors: GraphQLError[] }

/**
 * Reads the text of operations: parses it, counts what it would take to check it, and validates it together with its
 * variables, whatever it came over. Nothing that a client sends holds the event loop for long or stays in memory
 * beyond a bound: valid documents that were used lately are kept as long as they are small and few, all others are not.
 * Texts that are equal yield the same object while it is kept.
 */
export class Documents {
  readonly #schema: GraphQLSchema
  readonly #kept = new LRUCache<string, DocumentNode>({
    maxSize: maxKeptBytes,
    maxEntrySize: maxKeptDocumentBytes,
    sizeCalculation: memoryOf,
  })

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /** An estimate of the memory that documents are kept in, in bytes. */
  get keptBytes(): number {
    return this.#kept.calculatedSize
  }

  async read(operation: OperationText): Promise<Reading> {
    const { query } = operation
    try {
      const text = withoutEnd(query)
      const document = this.#kept.get(text) ?? (await this.#readDocument(text))
      checkOperation(document, operation.operationName)
      const variables = this.#checkVariables(document, operation)
      return 'errors' in variables
        ? { document, length: query.length, variableErrors: variables.errors }
        : { document, length: query.length + variables.length, variableErrors: undefined }
    } catch (error) {
      if (error instanceof Refusal) return { errors: error.errors }
      throw error
    }
  }

  async #readDocument(text: string): Promise<DocumentNode> {
    const document = parseDocument(text)
    const isLong = (document.tokenCount ?? 0) > manyTokens
    if (isLong) await nextTurn()
    checkWeight(document)
    if (isLong) await nextTurn()
    await validateDocument(this.#schema, document, isLong ? rulesAtOnce : specifiedRules.length)
    // Another request may have brought the same text meanwhile.
    const kept = this.#kept.get(text)
    if (kept !== undefined) return kept
    this.#kept.set(text, document)
    return document
  }

  /** How long the variables are, in characters; or why they do not fit the operation. */
  #checkVariables(
    document: DocumentNode,
    { operationName, variables }: OperationText,
  ): { length: number } | { errors: GraphQLError[] } {
    const checked = checkVariables(variables ?? {})
    if (checked instanceof GraphQLError) return { errors: [checked] }
    const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
    // An error may quote all of a value.
    const maxErrors = checked.length > maxErrorsLength ? 1 : maxVariableErrors
    const { errors } = getVariableValues(this.#schema, definitions, variables ?? {}, { maxErrors })
    if (errors === undefined) return checked
    return { errors: errors.slice(0, maxErrors).map((error) => invalid(error.message, error)) }
  }
}

/**
 * About what a document takes in memory, in bytes. For long documents it was measured; short ones take something
 * beside it.
 */
export function memoryOf(document: DocumentNode, text: string = document.loc?.source.body ?? ''): number {
  return 4_000 + 2 * text.length + 800 * (document.tokenCount ?? 0)
}

/** Why an operation is not executed. */
class Refusal {
  readonly errors: GraphQLError[]

  constructor(errors: GraphQLError[]) {
    this.errors = errors
  }
}

/** A text without the white space at its end, and without holding on to it. */
function withoutEnd(text: string): string {
  const rest = text.trimEnd()
  // A part of a string keeps all of it in memory; this makes a string of its own.
  return rest.length === text.length ? text : JSON.parse(JSON.stringify(rest))
}

function parseDocument(text: string): DocumentNode {
  if (text === '')
    throw new Refusal([
      requestError(
        'GRAPHQL_PARSE_FAILED',
        'The document is empty: send a query, a mutation or a subscription.',
      ),
    ])
  if (text.length > maxDocumentLength)
    throw new Refusal([
      requestError(
        'GRAPHQL_PARSE_FAILED',
        `The document has ${grouped(text.length)} characters. At most ${grouped(maxDocumentLength)} are possible. ` +
          'Send values as variables, and what it asks for in several requests.',
      ),
    ])
  const noLocation = countLines(text) > maxLocatedLines
  try {
    return parse(text, { maxTokens, maxComments, noLocation })
  } catch (error) {
    // The parser calls itself for each level.
    if (error instanceof RangeError) throw new Refusal([requestError('GRAPHQL_PARSE_FAILED', tooDeep)])
    if (!(error instanceof GraphQLError)) throw error
    const excess = excessOf(text)
    if (excess !== undefined) throw new Refusal([requestError('GRAPHQL_PARSE_FAILED', excess)])
    throw new Refusal([requestError('GRAPHQL_PARSE_FAILED', shortened(error.message), error)])
  }
}

const tooDeep =
  `The document is nested too deeply. At most ${maxDocument.levels} levels are possible. Ask for less at once, and ` +
  'for the rest by the ids that you get.'

/** Of what a document that was not parsed has too much; nothing when that is not the reason. */
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
    return `The document has more than ${grouped(maxComments)} comments. Send it without them.`
  if (tokens > maxTokens)
    return (
      `The document has more than ${grouped(maxTokens)} tokens (names, values and punctuation). Send values as ` +
      'variables, and what it asks for in several requests.'
    )
  return undefined
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return lines + (text.includes('\r') ? text.split('\r').length - 1 : 0)
}

// What a document has too much of, and what to do about it.
const excesses: Readonly<Record<keyof DocumentWeight, readonly [what: string, advice: string]>> = {
  levels: ['levels', 'Ask for less at once, and for the rest by the ids that you get.'],
  operations: ['operations', 'Send each operation in a document of its own.'],
  fragments: ['fragments', 'Send only those that the operation uses, and ask for less at once.'],
  nameLength: ['characters in one name', 'Use shorter names and aliases.'],
  selections: [
    'fields and fragments, counted wherever a fragment brings them',
    'Ask for less at once, in several requests.',
  ],
  comparisons: [
    'comparisons of fields that have the same name in the same place',
    'Select each field once in a place, or under an alias of its own, and spread fewer fragments there.',
  ],
}

/** Throws a Refusal if validating the document would take too long, or if it has no operation to execute. */
function checkWeight(document: DocumentNode): void {
  const weight = weighDocument(document, maxDocument)
  if ('cycle' in weight) {
    const path = weight.cycle.map((name) => `"${name}"`).join(' → ')
    throw new Refusal([invalid(`A fragment must not contain itself: ${path}. Break the circle.`)])
  }
  if (weight.operations === 0)
    throw new Refusal([
      requestError(
        'BAD_USER_INPUT',
        'The document has no operation: send a query, a mutation or a subscription.',
      ),
    ])
  for (const [name, [what, advice]] of Object.entries(excesses)) {
    const most = maxDocument[name as keyof DocumentWeight]
    const has = weight[name as keyof DocumentWeight]
    if (has <= most) continue
    const told = has >= countless ? `far more than ${grouped(most)}` : grouped(has)
    throw new Refusal([
      invalid(`The document has ${told} ${what}. At most ${grouped(most)} are possible. ${advice}`),
    ])
  }
}

/** Throws a Refusal unless it is clear which operation of a document is to be executed. */
function checkOperation(document: DocumentNode, operationName: string | null | undefined): void {
  if (getOperationAST(document, operationName) != null) return
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  const message =
    operationName == null
      ? `The document has ${operations.length} operations: say as operationName which of them to execute.`
      : `The document has no operation named ${JSON.stringify(operationName.slice(0, 100))}: send as operationName the name of one that it has.`
  throw new Refusal([requestError('BAD_USER_INPUT', message)])
}

/** Ends a validation that has found enough. */
class EnoughError extends Error {}

/** Rejects with a Refusal that has what is wrong with a document. Others have their turn after each few rules. */
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
    throw new EnoughError()
  }
  const types = new TypeInfo(schema)
  const context = new ValidationContext(schema, document, types, report)
  try {
    for (let start = 0; start < specifiedRules.length; start += rulesAtOnce) {
      if (start > 0) await nextTurn()
      const rules = specifiedRules.slice(start, start + rulesAtOnce).map((rule) => rule(context))
      visit(document, visitWithTypeInfo(types, visitInParallel(rules)))
    }
  } catch (error) {
    // graphql's own bound. None of the rules that spend it takes long to get there.
    if (error instanceof GraphQLError)
      errors.push(
        invalid(
          'The document uses its fragments and variables in too many operations. Send each operation in a document of its own.',
        ),
      )
    else if (!(error instanceof EnoughError)) throw error
  }
  if (errors.length > 0) throw new Refusal(errors)
}

function invalid(message: string, at?: GraphQLError): GraphQLError {
  return requestError('GRAPHQL_VALIDATION_FAILED', shortened(message), at)
}

/**
 * A problem of the whole request, at the place of `at`. What takes application/json is told of it with the status 200
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

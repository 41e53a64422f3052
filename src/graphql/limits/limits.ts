import { type DocumentNode, type FragmentDefinitionNode, Kind } from 'graphql'
import { grouped } from '../../grouped.ts'

/**
 * The limits of an operation. The files of this folder enforce them in this order:
 *
 * 1. documents.ts reads the text. Parsing stops at `maxDocumentLength`, `maxTokens` and `maxComments`. document-weight.ts
 *    then counts what validation would have to do (`maxDocument`), and only a document within these limits is validated.
 *    The size of the variables is checked (`maxVariables`) before they are coerced.
 * 2. admission.ts decides whether to execute the operation. answer-weight.ts computes how large the answer can be, from the
 *    weights that the fields declare (../field-rules.ts) and, for introspection, from introspection-weight.ts; the result
 *    has to be within `answerLimits` or `eventLimits`. For a mutation, it also checks the scopes and arguments of all
 *    selected fields, since an error after the mutation could not undo it.
 * 3. answers.ts writes the answer as JSON, and refuses it if it exceeds `answerLimits.bytes`: queries are weighed by the
 *    usual length of some strings, so an answer can turn out longer.
 *
 * A subscription passes 1 and 2 when it is opened and 3 with each event, and subscription-memory.ts bounds how many are open.
 */

/** What determines how long it takes to validate a document, apart from its length. */
export interface DocumentWeight {
  operations: number
  fragments: number
  /** The maximum depth of selections (including fragments), of lists and objects in values, and of list types. */
  levels: number
  /** The length of the longest name. */
  nameLength: number
  /** Fields and fragments in all operations and fragments, counted again wherever a fragment is spread. */
  selections: number
  /** The field comparisons of graphql's rule OverlappingFieldsCanBeMerged. */
  comparisons: number
}

// Within these limits no step of reading a document takes more than some ten milliseconds (bench/event-loop.ts).
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

export const maxVariables = {
  /** Values, including those in lists and objects: the longest list of an input is of 10,000, beside a few other fields. */
  values: 10_020,
  /** Levels of lists and objects. */
  levels: 50,
  /** Fields of one object. No input has this many. */
  fields: 100,
}

/** The weight of an answer or of a part of it. */
export interface AnswerWeight {
  /** Its size as JSON. */
  bytes: number
  /** Values of fields and items of lists. */
  values: number
  /** The cost for the database: about five for a row, ten and more for a page. */
  reads: number
  /** Values of introspection, which are resolved without yielding to the event loop. */
  introspected: number
  /** Levels of fields. */
  depth: number
}

export const answerLimits: Readonly<AnswerWeight> = {
  bytes: 32_000_000,
  values: 250_000,
  reads: 7_000,
  introspected: 20_000,
  depth: 20,
}

/** The limits of one event of a subscription. They are lower, since many events can be answered at the same time. */
export const eventLimits: Readonly<AnswerWeight> = {
  bytes: answerLimits.bytes / 10,
  values: answerLimits.values / 10,
  reads: answerLimits.reads / 10,
  introspected: 0,
  depth: answerLimits.depth,
}

/** Counts stop here, far above every limit: nested fragments multiply them without bounds. */
export const maxCounted = 2 ** 40

/** What is counted, and how to reduce it. */
export type LimitTexts = readonly [what: string, advice: string]

export interface Excess {
  /** The count as text; undefined if it has reached `maxCounted`. */
  count: string | undefined
  limit: string
  what: string
  advice: string
}

export const adviceForLevels = 'Ask for fewer levels, and query the rest by id.'

/** The first count, in the order of `texts`, that exceeds its limit. */
export function findExcess<Name extends string>(
  counts: Readonly<Record<Name, number>>,
  limits: Readonly<Record<Name, number>>,
  texts: Readonly<Record<Name, LimitTexts>>,
): Excess | undefined {
  for (const name in texts) {
    const [count, limit] = [counts[name], limits[name]]
    if (count <= limit) continue
    const [what, advice] = texts[name]
    return {
      count: count >= maxCounted ? undefined : grouped(Math.ceil(count)),
      limit: grouped(limit),
      what,
      advice,
    }
  }
  return undefined
}

/** The fragments of a document by their names. */
export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  return fragments
}

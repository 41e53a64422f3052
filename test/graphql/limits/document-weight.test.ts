import fc from 'fast-check'
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  parse,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { weighDocument } from '../../../src/graphql/limits/document-weight.ts'

const unlimited = { selections: Number.POSITIVE_INFINITY, levels: Number.POSITIVE_INFINITY }
const weigh = (text: string) => weighDocument(parse(text), unlimited)

test('counts a document with its fragments spread out', () => {
  expect(
    weigh(
      'query Q($ids: [[ID!]!]) { pools(search: [[[{ a: "x" }]]]) { ...F ...F longest: id } } fragment F on P { id }',
    ),
  ).toEqual({ operations: 1, fragments: 1, levels: 5, nameLength: 7, selections: 7, comparisons: 7 })
})

describe('comparisons', () => {
  test.each([
    ['a field', '{ a }', 0],
    ['fields of different names', '{ a b c: a }', 0],
    ['fields of one name: each pair', '{ a a a a }', 6],
    ['fields of one alias', '{ x: a x: b }', 1],
    ['arguments of fields of one name', '{ a(b: 1, c: 2) a(b: 1, c: 2) }', 1 + 4],
    ['inline fragments, as if they were not there', '{ a ... { a ... { a } } }', 3],
    // Two sets of one field each, and in each the pair.
    ['fields within fields of one name', '{ a { b } a { b } }', 1 + 2 + 1],
    ['fragments, set against set', '{ a ...F } fragment F on Query { b }', 2],
    ['what a fragment has itself, once more', '{ ...F } fragment F on Query { a a }', 2 + 1 + 1],
    ['a fragment that there is not', '{ a ...G }', 1],
  ])('%s', (_what, text, comparisons) => {
    expect(weigh(text)).toMatchObject({ comparisons })
  })

  test('are not counted beyond the limits', () => {
    const text = '{ a a ...F } fragment F on Query { a }'
    expect(weighDocument(parse(text), { selections: 5, levels: 2 })).toMatchObject({ comparisons: 6 })
    expect(weighDocument(parse(text), { selections: 4, levels: 2 })).toMatchObject({ comparisons: 0 })
    expect(weighDocument(parse(text), { selections: 5, levels: 1 })).toMatchObject({ comparisons: 0 })
  })
})

test.each([
  ['itself', '{ ...A } fragment A on Query { ...A }', ['A', 'A']],
  [
    'itself by way of others',
    'fragment A on Query { x { ...B } } fragment B on Query { ... { ...A } }',
    ['B', 'A', 'B'],
  ],
  [
    'others that contain themselves',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...B }',
    ['B', 'B'],
  ],
])('a fragment that contains %s is a cycle', (_what, text, cycle) => {
  expect(weigh(text)).toEqual({ cycle })
})

test('fragments that double 1,000 times are visited once each', () => {
  const doubling = Array.from(
    { length: 1_000 },
    (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`,
  )
  const text = `{ ...F0 } ${doubling.join(' ')} fragment F1000 on Query { a }`
  const weight = weighDocument(parse(text), { selections: 1_000, levels: 50 })
  expect(weight).toMatchObject({ selections: 2 ** 40, levels: 1_002 })
})

test('a document nested as deeply as the parser allows is counted', () => {
  for (const text of [
    `${'{ a '.repeat(1_500)}${'}'.repeat(1_500)}`,
    `{ a(b: ${'['.repeat(1_500)}${']'.repeat(1_500)}) }`,
  ])
    expect(weighDocument(parse(text), { selections: 9, levels: 9 })).toMatchObject({
      levels: expect.toSatisfy((n) => n >= 1_500),
    })
})

const names = ['a', 'b', 'c']
const fragmentNames = ['F0', 'F1', 'F2', 'F3']

/** Selections that spread fragments after `from` alone, so that none contains itself. */
function selections(from: number): fc.Arbitrary<string> {
  const { set } = fc.letrec<{ set: string; selection: string }>((tie) => ({
    set: fc.array(tie('selection'), { minLength: 1, maxLength: 4 }).map((all) => `{ ${all.join(' ')} }`),
    selection: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc
        .tuple(
          fc.constantFrom('', 'x: ', 'y: '),
          fc.constantFrom(...names),
          fc.constantFrom('', '(p: 1)', '(p: 1, q: [2])'),
        )
        .map((parts) => parts.join('')),
      fc.constantFrom(...fragmentNames.slice(from), 'Unknown').map((name) => `...${name}`),
      tie('set').map((inner) => `... ${inner}`),
      fc.tuple(fc.constantFrom(...names), tie('set')).map(([name, inner]) => `${name} ${inner}`),
    ),
  }))
  return set
}

const documents = fc
  .tuple(
    fc.array(selections(0), { minLength: 1, maxLength: 2 }),
    ...fragmentNames.map((_name, i) => selections(i + 1)),
  )
  .map(([operations, ...fragments]) =>
    [
      ...operations.map((set, i) => `query Q${i} ${set}`),
      ...fragments.map((set, i) => `fragment ${fragmentNames[i]} on Query ${set}`),
    ].join(' '),
  )

test('counts the same as writing everything out', () => {
  const limits = { selections: 1_000, levels: 100 }
  fc.assert(
    fc.property(documents, (text) => {
      const document = parse(text)
      const weight = weighDocument(document, limits)
      fc.pre('selections' in weight && weight.selections <= limits.selections)
      expect(weight).toMatchObject(writtenOut(document))
    }),
    { numRuns: 200 },
  )
})

/** Counted by writing every fragment out, and comparing every pair. */
function writtenOut(document: DocumentNode) {
  const total = { selections: 0, levels: 0, comparisons: 0 }
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION)
      continue
    const { selections, levels } = extentOf(definition.selectionSet, document)
    total.selections += selections
    total.levels = Math.max(total.levels, levels, levelsOfLists(definition.selectionSet, document))
    total.comparisons += compareAll([definition.selectionSet], document)
  }
  return total
}

function within(selection: SelectionNode, document: DocumentNode): SelectionSetNode | undefined {
  return selection.kind === Kind.FRAGMENT_SPREAD
    ? fragmentOf(selection.name.value, document)?.selectionSet
    : selection.selectionSet
}

function fragmentOf(name: string, document: DocumentNode): FragmentDefinitionNode | undefined {
  return document.definitions.find(
    (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
  ) as FragmentDefinitionNode | undefined
}

function extentOf(set: SelectionSetNode, document: DocumentNode): { selections: number; levels: number } {
  const inner = set.selections
    .flatMap((selection) => within(selection, document) ?? [])
    .map((each) => extentOf(each, document))
  return {
    selections: set.selections.length + inner.reduce((sum, each) => sum + each.selections, 0),
    levels: 1 + Math.max(0, ...inner.map((each) => each.levels)),
  }
}

/** A list in the arguments is one level deeper than the selections that contain its field. */
function levelsOfLists(set: SelectionSetNode, document: DocumentNode): number {
  return (
    1 +
    Math.max(
      0,
      ...set.selections.map((selection) => {
        const inner = within(selection, document)
        const lists =
          selection.kind === Kind.FIELD && selection.arguments?.some(({ value }) => value.kind === Kind.LIST)
            ? 1
            : 0
        return Math.max(lists, inner === undefined ? 0 : levelsOfLists(inner, document))
      }),
    )
  )
}

/** Compares every set of fields with every other one, and every field with every other one of its name. */
function compareAll(sets: readonly SelectionSetNode[], document: DocumentNode): number {
  const pieces = sets.flatMap((set) => piecesOf(set, document))
  const fields = pieces.flat()
  let comparisons = 0
  for (const [i, piece] of pieces.entries())
    for (const [j] of pieces.entries()) if (i !== j) comparisons += piece.length
  const byName = Map.groupBy(fields, ({ alias, name }) => alias?.value ?? name.value)
  for (const group of byName.values()) {
    for (const [i, one] of group.entries()) {
      comparisons += (one.arguments?.length ?? 0) * (group.length - 1)
      comparisons += group.slice(i + 1).length
    }
    const inner = group.flatMap(({ selectionSet }) => selectionSet ?? [])
    if (inner.length > 0) comparisons += compareAll(inner, document)
  }
  return comparisons
}

/** The fields of a set, and those of each fragment that it spreads, separately. */
function piecesOf(set: SelectionSetNode, document: DocumentNode): FieldNode[][] {
  const own: FieldNode[] = []
  const others: FieldNode[][] = []
  const collect = (from: SelectionSetNode) => {
    for (const selection of from.selections)
      if (selection.kind === Kind.FIELD) own.push(selection)
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet)
      else {
        const fragment = fragmentOf(selection.name.value, document)
        others.push(...(fragment === undefined ? [[]] : piecesOf(fragment.selectionSet, document)))
      }
  }
  collect(set)
  return [own, ...others]
}

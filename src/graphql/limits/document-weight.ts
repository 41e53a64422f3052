import {
  type ArgumentNode,
  type ASTNode,
  type DirectiveNode,
  type DocumentNode,
  type ExecutableDefinitionNode,
  type FragmentDefinitionNode,
  Kind,
  type NameNode,
  type SelectionSetNode,
} from 'graphql'
import { type DocumentWeight, fragmentsOf, maxCounted } from './limits.ts'

/**
 * The weight of a document, in time proportional to its length: each fragment is visited once, however often it is spread.
 * Only counting comparisons has to visit every spread; they are 0 if the selections or levels exceed `max`. If fragments
 * contain each other, returns their names instead; the last one is the first one again.
 */
export function weighDocument(
  document: DocumentNode,
  max: Pick<DocumentWeight, 'selections' | 'levels'>,
): DocumentWeight | { cycle: readonly string[] } {
  const definitions = document.definitions.filter(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION || definition.kind === Kind.FRAGMENT_DEFINITION,
  )
  const outlines = new Map(definitions.map((definition) => [definition, outlineOf(definition)]))
  const fragments = fragmentsOf(document)
  const spread = new SpreadOut(outlines, fragments)
  const weight: DocumentWeight = {
    operations: 0,
    fragments: 0,
    levels: 0,
    nameLength: 0,
    selections: 0,
    comparisons: 0,
  }
  for (const [definition, outline] of outlines) {
    const { selections, levels } = spread.sizeOf(definition)
    if (spread.cycle !== undefined) return { cycle: spread.cycle }
    weight[definition.kind === Kind.OPERATION_DEFINITION ? 'operations' : 'fragments'] += 1
    weight.levels = Math.max(weight.levels, levels)
    weight.nameLength = Math.max(weight.nameLength, outline.nameLength)
    weight.selections = Math.min(maxCounted, weight.selections + selections)
  }
  if (weight.selections <= max.selections && weight.levels <= max.levels)
    for (const { selectionSet } of definitions)
      weight.comparisons += countComparisons([selectionSet], fragments)
  return weight
}

/** The counts of an operation or a fragment without the fragments that it spreads. */
interface Outline {
  nameLength: number
  selections: number
  levels: number
  /** Its fragment spreads and their levels. */
  spreads: { name: string; level: number }[]
}

function outlineOf(definition: ExecutableDefinitionNode): Outline {
  const outline: Outline = { nameLength: 0, selections: 0, levels: 0, spreads: [] }
  // Iterative: a document may be nested as deeply as the parser's stack allowed.
  const nodes: ASTNode[] = [definition]
  const levels = [0]
  let level = 0
  const add = (node: ASTNode | undefined) => {
    if (node === undefined) return
    nodes.push(node)
    levels.push(level)
  }
  const addAll = (more: readonly ASTNode[] | undefined) => {
    for (const node of more ?? []) add(node)
  }
  const note = (name: NameNode | undefined) => {
    if (name !== undefined) outline.nameLength = Math.max(outline.nameLength, name.value.length)
  }
  const addCalled = (node: {
    arguments?: readonly ArgumentNode[] | undefined
    directives?: readonly DirectiveNode[] | undefined
  }) => {
    addAll(node.arguments)
    addAll(node.directives)
  }
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    level = levels.pop() ?? 0
    switch (node.kind) {
      case Kind.OPERATION_DEFINITION:
      case Kind.FRAGMENT_DEFINITION:
        note(node.name)
        if (node.kind === Kind.FRAGMENT_DEFINITION) add(node.typeCondition)
        addAll(node.variableDefinitions)
        addAll(node.directives)
        add(node.selectionSet)
        break
      case Kind.VARIABLE_DEFINITION:
        note(node.variable.name)
        add(node.type)
        add(node.defaultValue)
        addAll(node.directives)
        break
      case Kind.SELECTION_SET:
        outline.selections += node.selections.length
        level += 1
        addAll(node.selections)
        break
      case Kind.FIELD:
        note(node.alias)
        note(node.name)
        addCalled(node)
        add(node.selectionSet)
        break
      case Kind.INLINE_FRAGMENT:
        add(node.typeCondition)
        addAll(node.directives)
        add(node.selectionSet)
        break
      case Kind.FRAGMENT_SPREAD:
        note(node.name)
        outline.spreads.push({ name: node.name.value, level })
        addAll(node.directives)
        break
      case Kind.ARGUMENT:
      case Kind.OBJECT_FIELD:
        note(node.name)
        add(node.value)
        break
      case Kind.DIRECTIVE:
        note(node.name)
        addCalled(node)
        break
      case Kind.LIST:
        level += 1
        addAll(node.values)
        break
      case Kind.OBJECT:
        level += 1
        addAll(node.fields)
        break
      case Kind.LIST_TYPE:
        level += 1
        add(node.type)
        break
      case Kind.NON_NULL_TYPE:
        add(node.type)
        break
      case Kind.NAMED_TYPE:
      case Kind.VARIABLE:
        note(node.name)
        break
      case Kind.ENUM:
        outline.nameLength = Math.max(outline.nameLength, node.value.length)
        break
    }
    outline.levels = Math.max(outline.levels, level)
  }
  return outline
}

/** Counts definitions with their fragments spread out. Each fragment is visited once. */
class SpreadOut {
  /** The first cycle of fragments that was found. */
  cycle: readonly string[] | undefined
  readonly #outlines: ReadonlyMap<ExecutableDefinitionNode, Outline>
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #sizes = new Map<ExecutableDefinitionNode, { selections: number; levels: number }>()
  /** The fragments being visited, each spread by the one before it. */
  readonly #path = new Set<string>()

  constructor(
    outlines: ReadonlyMap<ExecutableDefinitionNode, Outline>,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  ) {
    this.#outlines = outlines
    this.#fragments = fragments
  }

  sizeOf(definition: ExecutableDefinitionNode): { selections: number; levels: number } {
    const known = this.#sizes.get(definition)
    if (known !== undefined) return known
    const outline = this.#outlines.get(definition) ?? outlineOf(definition)
    let { selections, levels } = outline
    for (const { name, level } of outline.spreads) {
      const fragment = this.#fragments.get(name)
      if (fragment === undefined) continue
      const size = this.#sizeOfFragment(name, fragment)
      selections = Math.min(maxCounted, selections + size.selections)
      levels = Math.max(levels, level + size.levels)
    }
    const size = { selections, levels }
    this.#sizes.set(definition, size)
    return size
  }

  #sizeOfFragment(name: string, fragment: FragmentDefinitionNode): { selections: number; levels: number } {
    if (this.#path.has(name)) {
      const path = [...this.#path]
      this.cycle ??= [...path.slice(path.indexOf(name)), name]
      return { selections: 0, levels: 0 }
    }
    this.#path.add(name)
    const size = this.sizeOf(fragment)
    this.#path.delete(name)
    return size
  }
}

/**
 * The maximum number of comparisons that decide whether the fields in one place of the answer can be merged: each pair of
 * fields with the same name, with their arguments; and, as each set of fields is compared with every other by name, each
 * name with all other sets.
 */
function countComparisons(
  selectionSets: readonly SelectionSetNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): number {
  const groups = new Map<string, { fields: number; arguments: number; selectionSets: SelectionSetNode[] }>()
  const open = [...selectionSets]
  let sets = open.length
  let fields = 0
  for (let set = open.pop(); set !== undefined; set = open.pop())
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet)
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value)
        sets += 1
        if (fragment !== undefined) open.push(fragment.selectionSet)
      } else {
        const name = selection.alias?.value ?? selection.name.value
        const group = groups.get(name) ?? { fields: 0, arguments: 0, selectionSets: [] }
        groups.set(name, group)
        group.fields += 1
        group.arguments += selection.arguments?.length ?? 0
        if (selection.selectionSet !== undefined) group.selectionSets.push(selection.selectionSet)
        fields += 1
      }
    }
  let comparisons = (sets - 1) * fields
  for (const group of groups.values()) {
    comparisons += (group.fields - 1) * (group.fields / 2 + group.arguments)
    if (group.selectionSets.length > 0) comparisons += countComparisons(group.selectionSets, fragments)
  }
  return comparisons
}

import { loadModule, parseSync } from 'libpg-query'

await loadModule()

/** What a database has, as far as the shapes of statements depend on it. */
export interface Tables {
  /** The tables whose rows are of an account, and on the account's node. */
  byAccount: ReadonlySet<string>
  /** The tables that are on the coordinator alone. */
  local: ReadonlySet<string>
  /** The functions whose value can change within a statement, and those whose value can change between two statements. */
  volatile: ReadonlySet<string>
  stable: ReadonlySet<string>
}

/**
 * What a distributed database would refuse of a statement, or ask all of its nodes for: one line for each. Found by PostgreSQL's
 * own parser. It knows no types, so a cast to text counts as one whose outcome can change.
 */
export function faultsOf(text: string, tables: Tables): string[] {
  const tree: unknown = parseSync(text)
  const faults = new Set<string>()
  const ctes = new Set(nodesOf(tree, 'CommonTableExpr').map((cte) => textIn(cte, 'ctename')))
  const isByAccount = (name: string) => tables.byAccount.has(name) && !ctes.has(name)
  for (const scope of scopesOf(tree)) {
    const sources = sourcesOf(scope)
    const own = sources.tables.filter(({ name }) => isByAccount(name))
    const pinned = pinnedIn(sources, own)
    for (const { name, alias } of own)
      if (!pinned.has(alias))
        faults.add(`${name} is read for all accounts: name the account, account_id = $1`)
    if (own.length > 0 && sources.tables.some(({ name }) => tables.local.has(name)))
      faults.add('joins a table of the coordinator with one of the nodes')
    if (
      property(scope, 'lockingClause') !== undefined &&
      sources.tables.some(({ name }) => name === 'account')
    )
      faults.add('locks a row of account, which every node has')
  }
  for (const insert of nodesOf(tree, 'InsertStmt')) {
    const name = textIn(property(insert, 'relation'), 'relname')
    if (isByAccount(name) && !insertsForOneAccount(insert))
      faults.add(`${name} gets rows of several accounts`)
  }
  for (const fault of faultsOfChanges(tree, tables)) faults.add(fault)
  return [...faults]
}

/** What is wrong with the functions of statements that change rows. */
function* faultsOfChanges(tree: unknown, { volatile, stable }: Tables): Generator<string> {
  const changes = ['InsertStmt', 'UpdateStmt', 'DeleteStmt'].flatMap((kind) => nodesOf(tree, kind))
  if (
    changes.length > 0 &&
    nodesOf(tree, 'withClause').some((clause) => property(clause, 'recursive') === true)
  )
    yield 'changes rows in a statement with a recursive part'
  for (const kind of ['UpdateStmt', 'DeleteStmt'])
    for (const name of nodesOf(tree, kind).flatMap(functionsIn))
      if (volatile.has(name)) yield `${name}() in an UPDATE or a DELETE: pass its value as a parameter`
  for (const change of changes) {
    for (const name of nodesOf(property(change, 'onConflictClause'), 'FuncCall').map(nameOfCall))
      if (volatile.has(name)) yield `${name}() in ON CONFLICT: pass its value as a parameter`
    for (const choice of ['CaseExpr', 'CoalesceExpr'].flatMap((kind) => nodesOf(change, kind)))
      for (const name of functionsIn(choice))
        if (volatile.has(name) || stable.has(name)) yield `${name}() within CASE or COALESCE`
    const returned = property(change, 'returningClause') ?? property(change, 'returningList')
    for (const name of functionsIn(returned))
      if (volatile.has(name) || stable.has(name)) yield `${name}() in RETURNING`
    for (const cast of nodesOf(returned, 'TypeCast'))
      if (/^(text|json|jsonb)$/.test(namesIn(property(cast, 'typeName'), 'names').at(-1) ?? ''))
        yield 'a cast in RETURNING: cast what the statement has returned'
  }
}

interface Source {
  name: string
  alias: string
}

interface Sources {
  tables: Source[]
  /** The conditions that all hold. */
  conditions: unknown[]
  /** Whether joins are USING (account_id). */
  isUsingAccount: boolean
}

/** The statements within a statement: each has its own tables and conditions. */
function scopesOf(tree: unknown): unknown[] {
  const found: unknown[] = ['SelectStmt', 'UpdateStmt', 'DeleteStmt'].flatMap((kind) => nodesOf(tree, kind))
  // The parts of a UNION are not wrapped in their kind.
  for (let i = 0; i < found.length; i++)
    for (const part of ['larg', 'rarg']) {
      const side = property(found[i], part)
      if (side !== undefined) found.push(property(side, 'SelectStmt') ?? side)
    }
  return found
}

function sourcesOf(scope: unknown): Sources {
  const sources: Sources = { tables: [], conditions: [], isUsingAccount: false }
  const add = (item: unknown) => {
    const table = property(item, 'RangeVar') ?? (textIn(item, 'relname') === '' ? undefined : item)
    const joined = property(item, 'JoinExpr')
    if (table !== undefined) {
      const name = textIn(table, 'relname')
      sources.tables.push({ name, alias: textIn(property(table, 'alias'), 'aliasname') || name })
    } else if (joined !== undefined) {
      add(property(joined, 'larg'))
      add(property(joined, 'rarg'))
      sources.conditions.push(...partsOf(property(joined, 'quals')))
      if (namesIn(joined, 'usingClause').includes('account_id')) sources.isUsingAccount = true
    }
  }
  for (const list of ['fromClause', 'usingClause']) for (const item of listIn(scope, list)) add(item)
  const target = property(scope, 'relation')
  if (target !== undefined) add(target)
  sources.conditions.push(...partsOf(property(scope, 'whereClause')))
  return sources
}

/** The conditions of a conjunction. */
function partsOf(condition: unknown): unknown[] {
  const conjunction = property(condition, 'BoolExpr')
  if (conjunction !== undefined && property(conjunction, 'boolop') === 'AND_EXPR')
    return listIn(conjunction, 'args').flatMap(partsOf)
  return condition === undefined ? [] : [condition]
}

/** The aliases of the tables whose account is a parameter, directly or as it equals that of another table. */
function pinnedIn({ conditions, isUsingAccount }: Sources, own: readonly Source[]): Set<string> {
  const aliases = own.map(({ alias }) => alias)
  const groups = aliases.map((alias) => new Set([`${alias}.account_id`]))
  if (isUsingAccount) groups.push(new Set(aliases.map((alias) => `${alias}.account_id`)))
  for (const condition of conditions) {
    const expression = property(condition, 'A_Expr')
    const isEquality = ['AEXPR_OP', 'AEXPR_OP_ANY'].includes(textIn(expression, 'kind'))
    if (!isEquality || namesIn(expression, 'name')[0] !== '=') continue
    const sides = [property(expression, 'lexpr'), property(expression, 'rexpr')].map((side) =>
      termsOf(side, aliases),
    )
    if (sides.every((side) => side.length > 0)) groups.push(new Set(sides.flat()))
  }
  const known = new Set(['$'])
  for (let size = 0; size < known.size; ) {
    size = known.size
    for (const group of groups)
      if ([...group].some((term) => known.has(term))) for (const term of group) known.add(term)
  }
  return new Set(aliases.filter((alias) => known.has(`${alias}.account_id`)))
}

/** What a side of an equality stands for: a parameter ("$"), or columns. */
function termsOf(side: unknown, aliases: readonly string[]): string[] {
  if (isParameter(side)) return ['$']
  const column = property(side, 'ColumnRef')
  if (column === undefined) return []
  const names = namesIn(column, 'fields')
  if (names.length > 1) return [names.join('.')]
  return names[0] === 'account_id' ? aliases.map((alias) => `${alias}.account_id`) : names
}

function isParameter(value: unknown): boolean {
  const cast = property(value, 'TypeCast')
  return cast === undefined ? property(value, 'ParamRef') !== undefined : isParameter(property(cast, 'arg'))
}

function insertsForOneAccount(insert: unknown): boolean {
  const at = listIn(insert, 'cols').findIndex(
    (column) => textIn(property(column, 'ResTarget'), 'name') === 'account_id',
  )
  const select = property(property(insert, 'selectStmt'), 'SelectStmt')
  const rows = listIn(select, 'valuesLists').map((list) => listIn(property(list, 'List'), 'items'))
  const targets = listIn(select, 'targetList').map((target) => property(property(target, 'ResTarget'), 'val'))
  const lists = rows.length > 0 ? rows : [targets]
  return at >= 0 && lists.every((list) => isParameter(list[at]) || isAccountColumn(list[at]))
}

// Of a table whose account is checked as that of every other.
function isAccountColumn(value: unknown): boolean {
  return namesIn(property(value, 'ColumnRef'), 'fields').at(-1) === 'account_id'
}

function functionsIn(tree: unknown): string[] {
  const calls = nodesOf(tree, 'FuncCall').map(nameOfCall)
  return nodesOf(tree, 'SQLValueFunction').length > 0 ? [...calls, 'now'] : calls
}

function nameOfCall(call: unknown): string {
  return namesIn(call, 'funcname').at(-1) ?? ''
}

/** All nodes of a kind, wherever they are. */
function nodesOf(tree: unknown, kind: string): unknown[] {
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) => [
    ...(key === kind ? [value] : []),
    ...nodesOf(value, kind),
  ])
}

function property(node: unknown, key: string): unknown {
  return typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined
}

function listIn(node: unknown, key: string): unknown[] {
  const list = property(node, key)
  return Array.isArray(list) ? list : []
}

function textIn(node: unknown, key: string): string {
  const text = property(node, key)
  return typeof text === 'string' ? text : ''
}

function namesIn(node: unknown, key: string): string[] {
  return listIn(node, key).map((item) => textIn(property(item, 'String'), 'sval'))
}

import type { GraphQLError } from 'graphql'
import { problem } from './problems.ts'

/** What the variables of an operation may be at most. */
export const maxVariables = {
  /** Values, those within lists and objects included. */
  values: 10_000,
  /** Levels of lists and objects. */
  levels: 50,
  /** Characters of a name. */
  nameLength: 255,
}

/** Why variables are too much to be looked at; nothing if they are not. */
export function checkVariables(variables: Readonly<Record<string, unknown>>): GraphQLError | undefined {
  const found = { values: -1, levels: 0, nameLength: 0 }
  const open: { value: unknown; level: number }[] = [{ value: variables, level: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, level } = next
    found.values += 1
    found.levels = Math.max(found.levels, level)
    // Else the list of what is open would grow with what is refused.
    if (found.values + open.length > maxVariables.values || found.levels > maxVariables.levels) break
    if (Array.isArray(value)) for (const item of value) open.push({ value: item, level: level + 1 })
    else if (isPlain(value))
      for (const [name, field] of Object.entries(value)) {
        found.nameLength = Math.max(found.nameLength, name.length)
        open.push({ value: field, level: level + 1 })
      }
  }
  if (found.values + open.length > maxVariables.values)
    return tooMuch(`more than ${shown(maxVariables.values)} values`, 'Send them in several requests.')
  if (found.levels > maxVariables.levels)
    return tooMuch(
      `more than ${shown(maxVariables.levels)} levels of lists and objects`,
      'No input has that many.',
    )
  if (found.nameLength > maxVariables.nameLength)
    return tooMuch(
      `a name of ${shown(found.nameLength)} characters, and at most ${shown(maxVariables.nameLength)} are possible`,
      'Use shorter names.',
    )
  return undefined
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function tooMuch(what: string, advice: string): GraphQLError {
  return problem('BAD_USER_INPUT', `The variables have ${what}. ${advice}`, {
    http: { spec: true, status: 400 },
  })
}

function shown(count: number): string {
  return count.toLocaleString('en')
}

import type { GraphQLError } from 'graphql'
import { grouped } from '../../grouped.ts'
import { topLevelError } from '../errors/top-level.ts'

/** What the variables of an operation may be at most. */
export const maxVariables = {
  /** Values, those within lists and objects included. */
  values: 10_000,
  /** Levels of lists and objects. */
  levels: 50,
  /** Fields of one object; no input has as many. */
  fields: 100,
}

/** About how long variables are as JSON, in characters; or why they are too much to be looked at. */
export function checkVariables(
  variables: Readonly<Record<string, unknown>>,
): { length: number } | GraphQLError {
  const open: { value: unknown; level: number }[] = []
  let values = 0
  let length = 0
  const add = (within: readonly unknown[], level: number) => {
    values += within.length
    // Else what is refused would still have to be walked through.
    if (values <= maxVariables.values) for (const value of within) open.push({ value, level })
  }
  add(Object.values(variables), 0)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, level } = next
    if (typeof value === 'string') length += value.length
    if (!isNested(value)) continue
    if (level >= maxVariables.levels)
      return tooMuch(
        `more than ${maxVariables.levels} levels of lists and objects`,
        'No input has that many.',
      )
    if (Array.isArray(value)) add(value, level + 1)
    else {
      const names = Object.keys(value)
      if (names.length > maxVariables.fields)
        return tooMuch(`an object of more than ${maxVariables.fields} fields`, 'No input has that many.')
      for (const name of names) length += name.length
      add(Object.values(value), level + 1)
    }
  }
  if (values > maxVariables.values)
    return tooMuch(`more than ${grouped(maxVariables.values)} values`, 'Send them in several requests.')
  // A comma or a bracket, and what is no text.
  return { length: length + 5 * values }
}

/** Whether it is a list or an object that was read from JSON. A file is neither. */
function isNested(value: unknown): value is readonly unknown[] | Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

function tooMuch(what: string, advice: string): GraphQLError {
  return topLevelError('BAD_USER_INPUT', `The variables have ${what}. ${advice}`, {
    http: { spec: true, status: 400 },
  })
}

import type { GraphQLError } from 'graphql'
import { grouped } from '../../grouped.ts'
import { topLevelError } from '../errors/top-level.ts'
import { maxVariables } from './limits.ts'

/** About the length of the variables as JSON, in characters; or the error, if they exceed `maxVariables`. */
export function checkVariables(
  variables: Readonly<Record<string, unknown>>,
): { length: number } | GraphQLError {
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
  return topLevelError('BAD_USER_INPUT', `The variables have ${what}. ${advice}`, {
    http: { spec: true, status: 400 },
  })
}

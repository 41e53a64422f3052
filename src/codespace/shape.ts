import { grouped } from '../grouped.ts'
import { type CharacterSet, characterSets, listed, refusedCharacters } from './characters.ts'

/** A format as a person describes it: a prefix, random characters or a pattern, a suffix. */
export interface ShapeInput {
  prefix: string
  suffix: string
  /** A number of random characters, or a pattern: '#' is random, '\' escapes, everything else is literal. */
  body: { length: number } | { pattern: string }
  characters: { set: CharacterSet } | { list: string }
}

export interface ShapeIssue {
  /** The field at fault, relative to the shape; empty when it is no single one. */
  path: string[]
  message: string
}

/** A shape that cannot be a format, with all of its issues. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
  readonly issues: ShapeIssue[]

  constructor(issues: ShapeIssue[]) {
    super(issues.map((issue) => issue.message).join(' '))
    this.issues = issues
  }
}

/** A position of a code: a literal character, or null for a random one. */
export type Position = string | null

export const maxCodeLength = 100
export const maxCapacity = 2n ** 96n
export const maxListLength = 1000

/** The positions and characters of a shape. Throws a ShapeError if it cannot be a format. */
export function readShape(shape: ShapeInput): { positions: Position[]; characters: string } {
  const issues: ShapeIssue[] = []
  const prefix = readLiteral(shape.prefix, 'prefix', issues)
  const suffix = readLiteral(shape.suffix, 'suffix', issues)
  const body = readBody(shape.body, issues)
  const characters = readCharacters(shape.characters, issues)

  if (prefix && suffix && body && prefix.length + body.length + suffix.length > maxCodeLength) {
    const length = prefix.length + body.length + suffix.length
    issues.push({
      path: [],
      message:
        `Codes would have ${length} characters: prefix ${prefix.length}, body ${body.length}, suffix ` +
        `${suffix.length}. A code has at most ${maxCodeLength}; shorten them by ${length - maxCodeLength}.`,
    })
  }
  if (body && characters) {
    const random = body.filter((position) => position === null).length
    const issue = capacityIssue(random, characters.length)
    if (issue) issues.push({ path: ['body', 'pattern' in shape.body ? 'pattern' : 'length'], message: issue })
  }

  if (issues.length > 0 || !prefix || !suffix || !body || !characters) throw new ShapeError(issues)
  return { positions: [...prefix, ...body, ...suffix], characters }
}

/** The positions of a pattern; undefined if it ends in an escape without a character. */
export function readPattern(pattern: string): Position[] | undefined {
  const positions: Position[] = []
  const characters = pattern[Symbol.iterator]()
  for (const character of characters) {
    if (character === '#') positions.push(null)
    else if (character === '\\') {
      const escaped = characters.next()
      if (escaped.done) return undefined
      positions.push(escaped.value)
    } else positions.push(character)
  }
  return positions
}

function readLiteral(text: string, field: 'prefix' | 'suffix', issues: ShapeIssue[]): string[] | undefined {
  const subject = `The ${field}`
  if (text.length > maxCodeLength) {
    issues.push({ path: [field], message: tooLong(subject, text.length) })
    return undefined
  }
  const messages = refusedCharacters(text, subject)
  issues.push(...messages.map((message) => ({ path: [field], message })))
  return [...text]
}

function readBody(body: ShapeInput['body'], issues: ShapeIssue[]): Position[] | undefined {
  if (!('pattern' in body)) {
    if (Number.isInteger(body.length) && body.length >= 1 && body.length <= maxCodeLength)
      return new Array<Position>(body.length).fill(null)
    const message =
      `The length is the number of random characters, a whole number from 1 to ${maxCodeLength}; ` +
      `it cannot be ${body.length}.`
    issues.push({ path: ['body', 'length'], message })
    return undefined
  }

  const path = ['body', 'pattern']
  const subject = 'The pattern'
  // A character of a code has at most two in the pattern: an escape and itself.
  if (body.pattern.length > 2 * maxCodeLength) {
    issues.push({ path, message: tooLong(subject, body.pattern.length) })
    return undefined
  }
  const positions = readPattern(body.pattern)
  if (!positions) {
    const message =
      'The pattern ends in a single "\\", which escapes the character after it. Remove it, or write "\\\\" ' +
      'for a backslash in the code.'
    issues.push({ path, message })
    return undefined
  }
  const messages = refusedCharacters(positions.map((position) => position ?? '#').join(''), subject)
  issues.push(...messages.map((message) => ({ path, message })))
  if (positions.length > maxCodeLength) issues.push({ path, message: tooLong(subject, positions.length) })
  if (!positions.includes(null)) {
    const escaped = positions.includes('#') ? ' (an escaped "\\#" is a literal one)' : ''
    const message =
      `The pattern has no "#"${escaped}, so every code would be the same. ` +
      'Put a "#" for each random character: "SUMMER-####-####".'
    issues.push({ path, message })
  }
  return positions.length > maxCodeLength || !positions.includes(null) ? undefined : positions
}

function readCharacters(characters: ShapeInput['characters'], issues: ShapeIssue[]): string | undefined {
  if ('set' in characters) return characterSets[characters.set]
  const { list } = characters
  const path = ['characters', 'list']
  if (list.length > maxListLength) {
    const message =
      `The list has ${grouped(list.length)} characters; at most ${grouped(maxListLength)} are allowed. ` +
      'List each character once, without separators.'
    issues.push({ path, message })
    return undefined
  }
  const messages = refusedCharacters(list, 'The list')
  const all = [...list]
  const distinct = new Set(all)
  const repeated = [...distinct].filter((character) => all.indexOf(character) !== all.lastIndexOf(character))
  // Refused characters have been named already, and may be impossible to print.
  if (repeated.length > 0 && messages.length === 0)
    messages.push(
      `The list repeats ${listed(repeated, (character) => `"${character}"`)}: list each character once.`,
    )
  if (distinct.size < 2) {
    const has = distinct.size === 0 ? 'is empty' : 'has one'
    messages.push(`A list needs at least two different characters; this one ${has}.`)
  }
  issues.push(...messages.map((message) => ({ path, message })))
  return messages.length === 0 ? list : undefined
}

function capacityIssue(random: number, choices: number): string | undefined {
  const capacity = BigInt(choices) ** BigInt(random)
  if (capacity <= maxCapacity) return undefined
  let maxRandom = random
  while (BigInt(choices) ** BigInt(maxRandom) > maxCapacity) maxRandom -= 1
  return (
    `${random} random characters out of ${choices} make ${scientific(capacity)} codes; a format has at most ` +
    `2^96, that is ${scientific(maxCapacity)}. Use ${maxRandom} random characters or fewer, or fewer ` +
    'different ones.'
  )
}

function tooLong(subject: string, length: number): string {
  return `${subject} has ${grouped(length)} characters; a whole code has at most ${maxCodeLength}. Shorten it.`
}

/** 79228162514264337593543950336n as 7.9 × 10^28, truncated. */
function scientific(number: bigint): string {
  const digits = number.toString()
  return `${digits[0]}.${digits[1]} × 10^${digits.length - 1}`
}

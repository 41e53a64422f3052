/**
 * How the first line of a list compares with the lines below. A header is a word, and codes rarely look like words: they
 * differ in letters, digits, length and separators. But words can be codes, so several signs are weighed.
 */
export type Likeness = 'LIKE' | 'UNLIKE' | 'UNCLEAR'

const maxStart = 32

// The share of lines that may differ from the rest.
const few = 0.05

const lower = /\p{Ll}/u
const upper = /\p{Lu}/u
const letter = /\p{L}/u
const digit = /\p{Nd}/u
const space = /\s/u
const marks = /[:()[\]{}*?!：]/u
const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /[\p{Lo}\p{Lm}]/u]
const separators = ['-', '_', '.', '/', ' ']
const word = /^\p{L}[\p{L}\p{M}\s'’&/().:*#：_-]*$/u

/** Whether `first` looks like the lines below it. */
export function likenessOf(first: string, below: readonly string[]): Likeness {
  // A line alone counts as a code.
  if (below.length === 0) return 'LIKE'
  // Further lines of a title would hide the difference.
  const results = [compare(first, below)]
  for (const left of [1, 2]) if (below.length >= left + 3) results.push(compare(first, below.slice(left)))
  return results.includes('UNLIKE') ? 'UNLIKE' : results.includes('UNCLEAR') ? 'UNCLEAR' : 'LIKE'
}

function compare(first: string, below: readonly string[]): Likeness {
  const count = below.length
  const share = (test: (line: string) => boolean) => below.filter(test).length / count
  const hasAlone = (pattern: RegExp) => pattern.test(first) && share((line) => pattern.test(line)) <= few
  const lacksAlone = (test: (line: string) => boolean) => !test(first) && share(test) >= 1 - few

  const numbersOnly = hasAlone(letter)
  const otherCase = !numbersOnly && (hasAlone(lower) || hasAlone(upper))
  const otherScript = !numbersOnly && scripts.some((script) => hasAlone(script))
  const otherSpaces = hasAlone(space)
  const otherMarks = hasAlone(marks)
  const noDigits = lacksAlone((line) => digit.test(line))
  const lengths = below.map((line) => line.length).sort((a, b) => a - b)
  const shortest = lengths[Math.floor(count * few)] ?? 0
  const longest = lengths[Math.ceil(count * (1 - few)) - 1] ?? 0
  const regular = count >= 3 && shortest === longest
  const otherLength =
    (regular && first.length !== longest) ||
    (count >= 8 && (first.length > longest * 1.5 || first.length < shortest / 2))
  const start = commonStart(below)
  const otherStart = count >= 3 && start.length >= 2 && letter.test(start) && !first.startsWith(start)
  const noSeparators = count >= 2 && separators.some((mark) => lacksAlone((line) => line.includes(mark)))

  const telling = [numbersOnly, otherCase, otherScript, otherSpaces, otherMarks].filter(Boolean).length
  const formal = [noDigits, otherLength, otherStart, noSeparators].filter(Boolean).length

  // Column names rarely have digits; titles have them next to words.
  if (digit.test(first)) {
    if (otherCase && otherSpaces) return 'UNCLEAR'
    if (/^0$/.test(first) && share((line) => letter.test(line)) === 1) return 'UNCLEAR'
    return telling > 0 && otherLength ? 'UNCLEAR' : 'LIKE'
  }
  if (!letter.test(first))
    return count >= 2 && !/[\s|]/.test(first) && share((line) => /[\p{L}\p{Nd}]/u.test(line)) === 1
      ? 'UNCLEAR'
      : 'LIKE'
  if (numbersOnly || otherCase || otherScript) {
    if (numbersOnly && count >= 2) return 'UNLIKE'
    if (count >= 3 && telling + formal >= 3 && (otherLength || noDigits)) return 'UNLIKE'
    return count >= 2 || word.test(first) ? 'UNCLEAR' : 'LIKE'
  }
  if (telling > 0) return /[:：]$/.test(first) || (count >= 2 && formal > 0) ? 'UNCLEAR' : 'LIKE'
  if (formal >= 2 && count >= 3) return 'UNCLEAR'
  return otherLength && count >= 8 ? 'UNCLEAR' : 'LIKE'
}

function commonStart(lines: readonly string[]): string {
  let start = (lines[0] ?? '').slice(0, maxStart)
  for (const line of lines) while (!line.startsWith(start)) start = start.slice(0, -1)
  return start
}

/** Whether only `first` has no digits: SUMMER above SALE10, SALE20 and SALE30. */
export function isWordAboveNumbered(first: string, below: readonly string[]): boolean {
  if (below.length < 3 || digit.test(first) || !below.every((line) => digit.test(line))) return false
  const start = commonStart(below)
  const isRandom = below.every(({ length }) => length === first.length)
  return !isRandom && !(start.length >= 2 && letter.test(start) && first.startsWith(start))
}

/** Whether a text has the shape of one of the others, has their common start, or looks like them. */
export function isOneOf(text: string, others: readonly string[]): boolean {
  if (others.some((other) => hasShapeOf(other, text))) return true
  if (others.length < 2) return false
  const start = commonStart(others)
  if (start.length >= 2 && letter.test(start) && text.startsWith(start)) return true
  const lacksDigits = !digit.test(text) && others.every((other) => digit.test(other))
  return !lacksDigits && likenessOf(text, others) === 'LIKE'
}

/** Whether both have letters and digits at the same positions. */
export function hasShapeOf(text: string, other: string): boolean {
  return shapeOf(text) === shapeOf(other)
}

function shapeOf(text: string): string {
  return text
    .replace(/\p{Nd}/gu, '9')
    .replace(/\p{Lu}/gu, 'A')
    .replace(/\p{Ll}/gu, 'a')
    .replace(/[\p{Lo}\p{Lm}]/gu, 'o')
}

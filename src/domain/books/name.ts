import type { BookTransaction } from './books.ts'
import { NameTakenError } from './errors.ts'

/*
 * Names of accounts, pools and formats are unique regardless of case. Names from before this rule are kept.
 *
 * What `lower` and `ILIKE` do in PostgreSQL depends on the locale of the database: C knows only the capitals of ASCII, and
 * in Turkish the capital of i is not I. So case is decided here, and PostgreSQL is told which characters to replace.
 */

/**
 * Rejects with a NameTakenError if another pool or format of the account has the name. `own` is the id of the one that is
 * renamed. The transaction has locked the account's catalog, so the name stays free until it ends.
 */
export async function checkName(
  tx: BookTransaction,
  thing: 'pool' | 'format',
  name: string,
  own?: string,
): Promise<void> {
  const [namesake] = await tx.rows<{ name: string }>({
    text: `
      SELECT name FROM ${thing}
      WHERE account_id = $1 AND ${sameName('name', '$2::text[]')} AND id IS DISTINCT FROM $3::uuid
      ORDER BY name = $4 DESC LIMIT 1`,
    values: [tx.accountId, askedName(name), own ?? null, name],
  })
  if (namesake !== undefined) throw new NameTakenError(thing, namesake.name)
}

/** SQL: whether a name equals the one that `askedName` made the array `asked` from. */
export function sameName(name: string, asked: string): string {
  return `${replaced(name, asked, pairs.ofCase)} = (${asked})[1]`
}

export function askedName(name: string): string[] {
  return askedFor(name, pairs.ofCase, {})
}

/**
 * SQL: whether a name contains the text that `askedSearch` made the array `asked` from, ignoring case and accents.
 * Full-width letters and ligatures equal plain letters.
 */
export function nameContains(name: string, asked: string): string {
  const bare = `regexp_replace(normalize(${name}, NFKD), '${marks}', '', 'g')`
  // An ASCII name needs only `lower` in C, which is the same in every database. The other way takes ten times as long.
  return `position((${asked})[1] IN CASE
    WHEN octet_length(${name}) = char_length(${name}) THEN lower(${name} COLLATE "C")
    ELSE ${replaced(bare, asked, pairs.ofSearch)}
  END) > 0`
}

// In UTF-16 code units, which is more than a name has. It takes quadratic time to put marks in order, and an operation can
// search hundreds of times.
const maxSearched = 1_000

export function askedSearch(search: string): string[] {
  const bare = search.slice(0, maxSearched).normalize('NFKD').replace(new RegExp(marks, 'g'), '')
  return askedFor(bare, pairs.ofSearch, plainLetters)
}

// Letters that Unicode does not decompose, and what people type for them on a keyboard that lacks them.
const plainLetters = { ı: 'i', ø: 'o', đ: 'd', ð: 'd', ł: 'l', ħ: 'h', ŧ: 't' }

// Letters that are also written as two: ß is SS in capitals.
const ofCase = { ß: 'ss', ẞ: 'ss' }
const ofSearch = { ...ofCase, æ: 'ae', Æ: 'ae', œ: 'oe', Œ: 'oe', þ: 'th', Þ: 'th' }
const pairs = { ofCase, ofSearch }

/** Combining marks: accents, points and vowel signs. */
const marks =
  '[\\u0300-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u064b-\\u065f\\u0670\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f]'

// Capitals by their lower case, where `toUpperCase` of that gives another one: ǅ, for example.
const otherCapitals: ReadonlyMap<string, string[]> = Map.groupBy(
  Array.from({ length: 0x2000 }, (_, number) => String.fromCharCode(number)).filter(
    (letter) => small(letter) !== letter && small(letter).toUpperCase() !== letter,
  ),
  small,
)

/** The text in lower case; the characters that a name may have in place of it; and the lower case of each of them. */
function askedFor(
  text: string,
  twoLetters: Readonly<Record<string, string>>,
  plain: Readonly<Record<string, string>>,
): string[] {
  const letters = [...text]
    .map((letter) => twoLetters[letter] ?? plain[small(letter)] ?? small(letter))
    .join('')
  const meant = new Map<string, string>()
  const add = (small: string, letter: string) => {
    for (const capital of capitalsOf(small)) meant.set(capital, letter)
  }
  for (const letter of new Set(letters)) add(letter, letter)
  for (const [other, letter] of Object.entries(plain)) {
    meant.set(other, letter)
    add(other, letter)
  }
  return [letters, [...meant.keys()].join(''), [...meant.values()].join('')]
}

function capitalsOf(letter: string): string[] {
  const capital = letter.toUpperCase()
  const others = otherCapitals.get(letter) ?? []
  return capital !== letter && small(capital) === letter ? [capital, ...others] : others
}

/** SQL: a text with its characters replaced as the array `asked` says, and with single letters as pairs. */
function replaced(text: string, asked: string, twoLetters: Readonly<Record<string, string>>): string {
  return Object.entries(twoLetters).reduce(
    (sql, [one, two]) => `replace(${sql}, '${one}', '${two}')`,
    `translate(${text}, (${asked})[2], (${asked})[3])`,
  )
}

/** A character in lower case. */
function small(letter: string): string {
  // `toLowerCase` of İ is two characters, and Σ has another lower case at the end of a word.
  if (letter === 'İ') return 'i'
  return letter === 'ς' ? 'σ' : letter.toLowerCase()
}

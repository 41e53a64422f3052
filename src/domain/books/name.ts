import type { BookTransaction } from './books.ts'
import { NameTakenError } from './errors.ts'

/**
 * Names of pools and of formats: two that differ in case alone are one name, since nobody could tell them apart in a
 * list. Those that were given before this was so are kept.
 *
 * What a capital is depends on the locale of a database: in C there are none but those of ASCII, and in Turkish I is not
 * that of i. So that is decided here, and PostgreSQL is told which characters to take for which.
 */

/**
 * Throws a NameTakenError if another pool or format of the account has the name, in the transaction that has locked the
 * account's catalog: nobody else takes it until that ends.
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

/** SQL: whether a name is the one that `asked`, an array from `askedName`, was made of. */
export function sameName(name: string, asked: string): string {
  return `${replaced(name, asked, pairs.ofCase)} = (${asked})[1]`
}

export function askedName(name: string): string[] {
  return askedFor(name, pairs.ofCase, {})
}

/**
 * SQL: whether a name contains what the array `asked`, from `askedSearch`, was made of: case and accents do not matter,
 * and full-width letters and ligatures are as plain ones.
 */
export function nameContains(name: string, asked: string): string {
  const bare = `regexp_replace(normalize(${name}, NFKD), '${marks}', '', 'g')`
  // C knows the capitals of ASCII in every database. There is nothing else to take apart, which takes ten times as long.
  return `position((${asked})[1] IN CASE
    WHEN octet_length(${name}) = char_length(${name}) THEN lower(${name} COLLATE "C")
    ELSE ${replaced(bare, asked, pairs.ofSearch)}
  END) > 0`
}

export function askedSearch(search: string): string[] {
  // No name is as long, in whatever way it is written.
  const bare = search.slice(0, 10_000).normalize('NFKD').replace(new RegExp(marks, 'g'), '')
  return askedFor(bare, pairs.ofSearch, plainLetters)
}

// Letters that Unicode does not take apart, and what is typed for them on a keyboard that lacks them.
const plainLetters = { ı: 'i', ø: 'o', đ: 'd', ð: 'd', ł: 'l', ħ: 'h', ŧ: 't' }

// Letters that are written as two, in either case: ß is SS in capitals.
const ofCase = { ß: 'ss', ẞ: 'ss' }
const ofSearch = { ...ofCase, æ: 'ae', Æ: 'ae', œ: 'oe', Œ: 'oe', þ: 'th', Þ: 'th' }
const pairs = { ofCase, ofSearch }

/** Accents, points and vowel signs, which are written onto the letter before them. */
const marks =
  '[\\u0300-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u064b-\\u065f\\u0670\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f]'

// By its small letter, each capital that is not what that is in capitals, such as ǅ.
const otherCapitals: ReadonlyMap<string, string[]> = Map.groupBy(
  Array.from({ length: 0x2000 }, (_, number) => String.fromCharCode(number)).filter(
    (letter) => small(letter) !== letter && small(letter).toUpperCase() !== letter,
  ),
  small,
)

/** A text in small letters; then the characters that a name may have for those, and what each of them is for. */
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

/** SQL: a text with what an array says that its letters stand for, and with two letters for one. */
function replaced(text: string, asked: string, twoLetters: Readonly<Record<string, string>>): string {
  return Object.entries(twoLetters).reduce(
    (sql, [one, two]) => `replace(${sql}, '${one}', '${two}')`,
    `translate(${text}, (${asked})[2], (${asked})[3])`,
  )
}

/** The small letter of a capital; any other character as it is. */
function small(letter: string): string {
  // In small letters, these are two characters, and another one at the end of a word.
  if (letter === 'İ') return 'i'
  return letter === 'ς' ? 'σ' : letter.toLowerCase()
}

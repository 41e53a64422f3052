import type { BookTransaction } from './books.ts'
import { NameTakenError } from './errors.ts'

/**
 * Names of pools and of formats: two that differ in case alone are one name, since nobody could tell them apart in a
 * list. Those that were given before this was so are kept.
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
      WHERE account_id = $1 AND ${sameName('name', '$2::text')} AND id IS DISTINCT FROM $3::uuid
      ORDER BY name = $2 DESC LIMIT 1`,
    values: [tx.accountId, name, own ?? null],
  })
  if (namesake !== undefined) throw new NameTakenError(thing, namesake.name)
}

/** SQL: whether two names are one. */
export function sameName(one: string, other: string): string {
  return `${withoutCase(one)} = ${withoutCase(other)}`
}

/** SQL: whether a name contains what somebody looks for: case and accents do not matter. */
export function nameContains(name: string, search: string): string {
  return `position(${withoutAccents(search)} IN ${withoutAccents(name)}) > 0`
}

/** SQL: a text in small letters. Those that one capital stands for are one: ß is SS in capitals. */
function withoutCase(text: string): string {
  return `replace(translate(lower(${text}), 'ς', 'σ'), 'ß', 'ss')`
}

// Letters that Unicode does not take apart, and what is typed for them on a keyboard that lacks them.
const plainLetters = { from: 'ıøđðłħŧſ', to: 'ioddlhts' }
const pairs = { æ: 'ae', œ: 'oe', þ: 'th' }

/** Accents, points and vowel signs, which are written onto the letter before them. */
const marks =
  '[\\u0300-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u064b-\\u065f\\u0670\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f]'

/** SQL: a text in small letters without accents, full-width letters and ligatures as plain ones. */
function withoutAccents(text: string): string {
  const bare = `regexp_replace(normalize(${text}, NFKD), '${marks}', '', 'g')`
  const plain = `translate(${withoutCase(bare)}, '${plainLetters.from}', '${plainLetters.to}')`
  const whole = Object.entries(pairs).reduce(
    (sql, [one, two]) => `replace(${sql}, '${one}', '${two}')`,
    plain,
  )
  // Of ASCII there is nothing to take apart, which takes ten times as long.
  return `CASE WHEN octet_length(${text}) = char_length(${text}) THEN lower(${text}) ELSE ${whole} END`
}

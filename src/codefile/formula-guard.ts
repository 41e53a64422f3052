/**
 * Makes formulas harmless with an apostrophe, as OWASP advises
 * (https://owasp.org/www-community/attacks/CSV_Injection): before a cell that begins with = + - @ or a variant of
 * them, after optional white space, or with a tab or a line break; and inside a cell before each = + - @ that follows
 * a comma, a semicolon, a tab or a line break, since a spreadsheet may split rows at another delimiter than the
 * file's.
 *
 * A text with apostrophes there gets one more: '=X becomes ''=X. So different texts have different guarded forms, and
 * removing one apostrophe from each such place restores the text. Apostrophes anywhere else, as in 'TIS-10 or O'NEIL,
 * are never touched.
 */

const sign = '[=+\\-@＝＋－＠﹦﹢﹣﹫−]'
const start = new RegExp(`^'*(?:\\s*${sign}|[\\t\\r\\n])`)
const guardedStart = new RegExp(`^'+(?:\\s*${sign}|[\\t\\r\\n])`)
const inner = new RegExp(`(?<=[,;\\t\\r\\n]\\s*)'*(?=${sign})`, 'g')
const guardedInner = new RegExp(`(?<=[,;\\t\\r\\n]\\s*)'(?='*${sign})`, 'g')

/** The text with its formulas made harmless. */
export function guarded(text: string): string {
  const within = text.replace(inner, "'$&")
  return start.test(within) ? `'${within}` : within
}

/** Reverses `guarded`. A text that it cannot have returned stays as it is. */
export function unguarded(text: string): string {
  return (guardedStart.test(text) ? text.slice(1) : text).replace(guardedInner, '')
}

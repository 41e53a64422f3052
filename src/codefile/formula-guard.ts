/**
 * What a spreadsheet would run as a formula is made harmless by a ' before it, as OWASP advises
 * (https://owasp.org/www-community/attacks/CSV_Injection): before a cell that begins, white space aside, with = + - @
 * or a variant of them, or with a tab or a line break; and within a cell before each = + - @ that follows a comma, a
 * semicolon, a tab or a line break, as a spreadsheet may split rows at another delimiter than the file's.
 *
 * A text that has apostrophes there already gets one more: '=X becomes ''=X. So each text has its own guarded form, and
 * taking one apostrophe away from each such place gives back exactly what it was. An apostrophe anywhere else, as in
 * 'TIS-10 or O'NEIL, is never touched.
 */

const sign = '[=+\\-@＝＋－＠﹦﹢﹣﹫−]'
const start = new RegExp(`^'*(?:\\s*${sign}|[\\t\\r\\n])`)
const guardedStart = new RegExp(`^'+(?:\\s*${sign}|[\\t\\r\\n])`)
const inner = new RegExp(`(?<=[,;\\t\\r\\n]\\s*)'*(?=${sign})`, 'g')
const guardedInner = new RegExp(`(?<=[,;\\t\\r\\n]\\s*)'(?='*${sign})`, 'g')

/** The text with what a spreadsheet would run made harmless. */
export function guarded(text: string): string {
  const within = text.replace(inner, "'$&")
  return start.test(within) ? `'${within}` : within
}

/** The text that `guarded` has made this of; a text that it has not made of any, as it is. */
export function unguarded(text: string): string {
  return (guardedStart.test(text) ? text.slice(1) : text).replace(guardedInner, '')
}

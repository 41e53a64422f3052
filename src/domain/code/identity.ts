import { plainKey } from '../../codespace/typed-form.ts'

/**
 * What no two uploaded codes of an account share: `coalesce(identity, code)` of `uploaded_code` has a unique index.
 * Usually it is the plain form, so that any two codes differ in more than case, spaces and dashes and nobody mistakes one
 * for the other. In an upload that says `caseSensitive` it is the plain form and the code, separated by a line break,
 * which no code has: such a code may stand beside others of the same plain form, and comes after them in the index. Codes
 * that were uploaded before identities existed and are not ASCII have no identity but the code.
 *
 * So the index compares all uploads that do not say `caseSensitive` with each other. One that does locks the account's
 * catalog while it adds a chunk, looks up each code, and marks the account as having such codes: from then on every upload
 * looks up each code.
 */
export function identityOf(code: string, caseSensitive: boolean): string {
  const plain = plainKey(code)
  return caseSensitive ? `${plain}\n${code}` : plain
}

/** In SQL, all identities that a code may be stored under; `row` has the code and its plain form. */
export const identities = (row: string) =>
  `ARRAY[${row}.plain, ${row}.plain || E'\\n' || ${row}.code, ${row}.code]`

/** In SQL, the end of a plain form's range in the index: its codes lie from the form itself up to here. */
export const behindPlain = (plain: string) => `${plain} || E'\\x0B'`

import { plainKey } from '../../codespace/typed-form.ts'

/**
 * The identity of an uploaded code is unique in its account, by a unique index on `coalesce(identity, code)`. Usually it is
 * the plain form, so that any two codes differ in more than case, spaces and dashes. In a `caseSensitive` upload it is the
 * plain form and the code, separated by a line break (no code contains one): several such codes may have one plain form,
 * and follow it in the index. Codes that are not ASCII and were uploaded before identities existed have none.
 *
 * The index alone compares uploads that are not `caseSensitive`. One that is locks the account's catalog while it adds a
 * chunk, looks up each code, and marks the account as having such codes: from then on every upload looks up each code.
 */
export function identityOf(code: string, caseSensitive: boolean): string {
  const plain = plainKey(code)
  return caseSensitive ? `${plain}\n${code}` : plain
}

/** SQL: all possible identities of a code. `row` has the columns `code` and `plain`, its plain form. */
export const identities = (row: string) =>
  `ARRAY[${row}.plain, ${row}.plain || E'\\n' || ${row}.code, ${row}.code]`

/** SQL: the exclusive upper bound of the identities with a plain form. The lower bound is the form itself. */
export const behindPlain = (plain: string) => `${plain} || E'\\x0B'`

import { plainKey } from '../../codespace/typed-form.ts'

/**
 * What no two uploaded codes of an account share: `coalesce(identity, code)` of `uploaded_code`, on which the unique
 * index is. For most it is the plain form, so that no code is added that somebody could take for another one: it differs
 * in more than case, spaces and dashes. A code of an upload that says `caseSensitive` has its plain form and itself,
 * divided by a line break, which no code has: it stands beside others of the same plain form, and behind them in the
 * index. What was uploaded before there were identities has, where it is not of ASCII, none but the code.
 *
 * So the index holds all uploads that do not say `caseSensitive` against each other. One that does locks the account's
 * catalog against all others while it adds a chunk, looks for each code, and notes with the account that it has such
 * codes: from then on every upload looks for each.
 */
export function identityOf(code: string, caseSensitive: boolean): string {
  const plain = plainKey(code)
  return caseSensitive ? `${plain}\n${code}` : plain
}

/** In SQL, all identities under which a code itself may be kept; `row` has the code and its plain form. */
export const identities = (row: string) =>
  `ARRAY[${row}.plain, ${row}.plain || E'\\n' || ${row}.code, ${row}.code]`

/** In SQL, what no code with a plain form comes behind: those with it lie from the form itself up to here. */
export const behindPlain = (plain: string) => `${plain} || E'\\x0B'`

/**
 * An array of texts as a parameter for PostgreSQL, as a string where that is possible: `pg` converts an array element by
 * element, which is slow for thousands of codes.
 */
export function textArray(texts: readonly (string | null)[]): string | readonly (string | null)[] {
  if (texts.length === 0 || /["\\]/.test(texts.join(''))) return texts
  if (!texts.includes(null)) return `{"${texts.join('","')}"}`
  return `{${texts.map((text) => (text === null ? 'NULL' : `"${text}"`)).join()}}`
}

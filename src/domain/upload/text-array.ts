/**
 * An array of texts as a parameter for PostgreSQL. Passing an array makes `pg` convert each element by itself, which is
 * much of this process's work for thousands of codes.
 */
export function textArray(texts: readonly (string | null)[]): string | readonly (string | null)[] {
  if (texts.length === 0 || /["\\]/.test(texts.join(''))) return texts
  if (!texts.includes(null)) return `{"${texts.join('","')}"}`
  return `{${texts.map((text) => (text === null ? 'NULL' : `"${text}"`)).join()}}`
}

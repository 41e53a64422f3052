/** A text of a client as messages show it: in quotes, and its beginning only. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

/** A whole number as messages show it: 12,345,678. */
export function grouped(number: bigint | number): string {
  // Some messages are made at the start, which the first use of the data of languages would delay, as `toLocaleString` needs it.
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

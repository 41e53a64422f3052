/** A whole number as messages show it: 12,345,678. */
export function grouped(number: bigint | number): string {
  // `toLocaleString` loads the data of languages when it is first used, which would be at the start.
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

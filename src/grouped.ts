/** A whole number as messages show it: 12,345,678. */
export function grouped(number: bigint | number): string {
  return number.toLocaleString('en-US')
}

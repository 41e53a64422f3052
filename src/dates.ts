/** Math.min and Math.max, for dates. */

export function earliest(a: Date, b: Date): Date {
  return a < b ? a : b
}

export function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}

import type { Prisma } from '../generated/prisma/client.ts'

/** A numeric column as a BigInt. Decimal's own arithmetic rounds, and its toString uses exponents. */
export function integer(value: Prisma.Decimal): bigint {
  return BigInt(value.toFixed(0))
}

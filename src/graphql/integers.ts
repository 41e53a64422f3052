import { Prisma } from '../generated/prisma/client.ts'

/** A numeric column as a BigInt. Never by Decimal's own arithmetic or toString, which round and abbreviate. */
export function integer(value: Prisma.Decimal): bigint {
  return BigInt(value.toFixed(0))
}

export function decimal(value: string): Prisma.Decimal {
  return new Prisma.Decimal(value)
}

import { expect, test } from 'vitest'
import { createContext, type Services } from '../../src/graphql/context.ts'

test('tasks are loaded by Prisma in batches whose sizes are powers of two, whatever the number of ids', async () => {
  const asked: string[][] = []
  const findMany = async ({ where }: { where: { id: { in: string[] } } }) => {
    asked.push(where.id.in)
    return [...new Set(where.id.in)].map((id) => ({ id }))
  }
  const services = { books: { prisma: { task: { findMany } } } } as unknown as Services
  const credentials = { accountId: 'account', keyId: 'key', scopes: [] }
  for (let count = 1; count <= 70; count++) {
    const { nodes } = createContext(services, credentials, 0)
    const ids = Array.from({ length: count }, (_, i) => String(i))
    const found = await Promise.all(ids.map((id) => nodes.task.load(id)))
    expect(found.map((task) => task?.id)).toEqual(ids)
  }
  expect([...new Set(asked.map(({ length }) => length))]).toEqual([1, 2, 4, 8, 16, 32, 64, 128])
})

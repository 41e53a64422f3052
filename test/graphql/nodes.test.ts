import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { existing, Nodes } from '../../src/graphql/nodes.ts'
import { useBooks } from '../support/books.ts'

const shared = useBooks()

test('a format, a pool or a task that must exist and does not is named', async () => {
  const id = randomUUID()
  const nodes = new Nodes(shared.books, shared.accountId, { cache: false })
  const missing = (kind: string) => `The ${kind} ${id} does not exist, although another row refers to it.`
  await expect(existing(nodes.format, id)).rejects.toThrow(missing('format'))
  await expect(existing(nodes.pool, id)).rejects.toThrow(missing('pool'))
  await expect(existing(nodes.task, id)).rejects.toThrow(missing('task'))
})

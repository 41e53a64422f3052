import { PrismaPg } from '@prisma/adapter-pg'
import { Notifications } from '../database/notifications.ts'
import { connectionConfig } from '../database/open.ts'
import { schemaOf } from '../database/schema.ts'
import { Books } from '../domain/books/books.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withDatabase } from './program.ts'

/** Opens the books in the database of the service until `work` is done: see `withDatabase`. */
export async function withBooks<T>(
  work: (books: Books) => Promise<T>,
  options?: Parameters<typeof withDatabase>[1],
): Promise<T> {
  return await withDatabase(async ({ url, connections, keyring, log }) => {
    const notifications = new Notifications({ connections, connection: connectionConfig(url), log })
    const prisma = new PrismaClient({ adapter: new PrismaPg(connections, await schemaOf(connections)) })
    // What becomes of pools is for a command to print.
    const errors = log.child({}, { level: 'error' })
    try {
      return await work(new Books({ connections, prisma, notifications, keyring, log: errors }))
    } finally {
      await notifications.close()
      await prisma.$disconnect()
    }
  }, options)
}

import type { Books } from './books/books.ts'
import { createFormat } from './format/create.ts'
import { generateCodes } from './generation/generation.ts'
import { createPool } from './pool/pool.ts'

/** What a new embedded database starts with: a format, and a pool to try claims on. */
export interface Sample {
  formatId: string
  poolId: string
  /** The newest task of the pool. */
  taskId: string | undefined
}

const formatName = 'Sample format (play with it or leave it alone)'
const poolName = 'Sample pool (play with it or leave it alone)'

/** Creates the sample of an account that has none, with a task that generates 100 codes. */
export async function createSample(books: Books, accountId: string): Promise<void> {
  const formatId = await createFormat(books, accountId, {
    name: formatName,
    shape: {
      prefix: 'SAMPLE-',
      suffix: '',
      body: { pattern: '#####-#####' },
      characters: { set: 'UNAMBIGUOUS' },
    },
  })
  const poolId = await createPool(books, accountId, { name: poolName })
  await generateCodes(books, accountId, { poolId, formatId, quantity: 100n })
}

/** The sample of an account; undefined if it was renamed or never created. */
export async function findSample(books: Books, accountId: string): Promise<Sample | undefined> {
  const [row] = await books.rows<{ format_id: string; pool_id: string; task_id: string | null }>({
    text: `
      SELECT format.id AS format_id, pool.id AS pool_id, (
        SELECT id FROM task WHERE account_id = $1 AND pool_id = pool.id ORDER BY id DESC LIMIT 1
      ) AS task_id
      FROM format JOIN pool USING (account_id)
      WHERE account_id = $1 AND format.name = $2 AND pool.name = $3`,
    values: [accountId, formatName, poolName],
  })
  if (row === undefined) return undefined
  return { formatId: row.format_id, poolId: row.pool_id, taskId: row.task_id ?? undefined }
}

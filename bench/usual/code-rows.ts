import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Lifecycle } from '../../src/lifecycle.ts'

/** The part of the client that is used, which Prisma generates from schema.prisma beside this file. */
interface RowClient {
  codeRow: {
    createMany(rows: {
      data: { poolId: string; code: string }[]
      skipDuplicates: boolean
    }): Promise<{ count: number }>
  }
  $queryRaw<Rows>(sql: TemplateStringsArray, ...values: unknown[]): Promise<Rows>
  $executeRawUnsafe(sql: string): Promise<number>
  $disconnect(): Promise<void>
}

const characters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const rowsAtOnce = 10_000

/** The usual way to keep codes: a table with a row per code, through Prisma. */
export class CodeRows {
  readonly #client: RowClient

  constructor(client: RowClient) {
    this.#client = client
  }

  async createTable(): Promise<void> {
    await this.#client.$executeRawUnsafe(`
      CREATE TABLE code_row (
        id bigserial PRIMARY KEY, pool_id uuid NOT NULL, code text NOT NULL UNIQUE, recipient text,
        claimed_at timestamptz(3)
      )`)
    await this.#client.$executeRawUnsafe(
      'CREATE INDEX code_row_available ON code_row (pool_id, id) WHERE claimed_at IS NULL',
    )
  }

  /** Draws random codes until the pool has `count` more. */
  async fill(poolId: string, count: number): Promise<void> {
    for (let missing = count; missing > 0; ) {
      const size = Math.min(missing, rowsAtOnce)
      const data = Array.from({ length: size }, () => ({ poolId, code: randomCode() }))
      missing -= (await this.#client.codeRow.createMany({ data, skipDuplicates: true })).count
    }
  }

  /** Claims a code of the pool. Rejects when it has none. */
  async claim(poolId: string): Promise<string> {
    const [row] = await this.#client.$queryRaw<{ code: string }[]>`
      UPDATE code_row SET claimed_at = now() WHERE id = (
        SELECT id FROM code_row WHERE pool_id = ${poolId}::uuid AND claimed_at IS NULL
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
      ) RETURNING code`
    if (row === undefined) throw new Error(`The pool ${poolId} is empty.`)
    return row.code
  }
}

/** Has as many connections as the service itself. */
export async function openCodeRows(lifecycle: Lifecycle, databaseUrl: string): Promise<CodeRows> {
  const generated = join(import.meta.dirname, '../../src/generated/code-rows/client.ts')
  const { PrismaClient } = (await import(generated)) as {
    PrismaClient: new (options: { adapter: PrismaPg }) => RowClient
  }
  const client = await lifecycle.open(
    'table of codes',
    () => new PrismaClient({ adapter: new PrismaPg({ connectionString: databaseUrl, max: 16 }) }),
    (opened) => opened.$disconnect(),
  )
  return new CodeRows(client)
}

/** Generates the client that `openCodeRows` uses. */
export async function generateClient(): Promise<void> {
  const prisma = join(
    dirname(createRequire(import.meta.url).resolve('prisma/package.json')),
    'build/index.js',
  )
  const schema = join(import.meta.dirname, 'schema.prisma')
  await promisify(execFile)(process.execPath, [prisma, 'generate', '--schema', schema], {
    cwd: join(import.meta.dirname, '../..'),
  })
}

function randomCode(): string {
  const drawn = Array.from({ length: 12 }, () => characters[randomInt(characters.length)]).join('')
  return `${drawn.slice(0, 4)}-${drawn.slice(4, 8)}-${drawn.slice(8)}`
}

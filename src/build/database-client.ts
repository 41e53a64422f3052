import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import type { Product } from './build.ts'
import { runProgram } from './program.ts'

/** The database client and its types, which Prisma generates from prisma/schema.prisma. */
export const databaseClient: Product = {
  name: 'the database client',
  inputs: ['prisma/schema.prisma', 'prisma.config.ts'],
  versions: [
    'node_modules/prisma/package.json',
    'node_modules/@prisma/client/package.json',
    'node_modules/@pothos/plugin-prisma/package.json',
  ],
  output: 'src/generated',
  async make(root) {
    const prisma = createRequire(join(root, 'package.json')).resolve('prisma/package.json')
    const { bin } = JSON.parse(await readFile(prisma, 'utf8')) as { bin: { prisma: string } }
    await runProgram([join(prisma, '..', bin.prisma), 'generate', '--no-hints'], {
      name: databaseClient.name,
      root,
      environment: {
        // Prisma starts third-party generators by name.
        PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
        // No check for updates over the network.
        CHECKPOINT_DISABLE: '1',
      },
    })
  },
}

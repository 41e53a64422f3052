import { defineConfig } from 'prisma/config'

// The command line wants a native schema engine even for `generate`, which does not use it, and would download
// one. Naming any executable keeps it from doing so; migrations are applied by src/database/migrations.ts.
process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } })

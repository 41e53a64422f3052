import { join } from 'node:path'
import { build } from 'vite'
import { compressFiles } from './compress.ts'

// Bundles the console into the folder that its first argument names, and compresses it with the quality of the second. Only this
// program, which console.ts runs, needs the packages for development.

const [folder = '', brotliQuality] = process.argv.slice(2)
await build({
  configFile: join(import.meta.dirname, '../console/vite.config.ts'),
  // Others would write a translation of the configuration into node_modules, which may be read-only.
  configLoader: 'native',
  build: { outDir: folder },
  logLevel: 'warn',
})
await compressFiles(join(folder, 'console'), Number(brotliQuality))

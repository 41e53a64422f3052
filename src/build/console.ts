import { join } from 'node:path'
import type { Product } from './build.ts'
import { brotliQuality } from './compress.ts'
import { replaceFolder } from './folder.ts'
import { runProgram } from './program.ts'

/** The console: its page, `index.html`, and the files that the page loads, in `console`, with compressed ones beside them. */
export const consolePages: Product = {
  name: 'the console',
  // The first is all of it but the configuration of TypeScript, which the bundler reads too.
  inputs: [
    'src/console',
    'schema.graphql',
    'tsconfig.json',
    'src/build/bundle-console.ts',
    'src/build/compress.ts',
  ],
  // The second lists all installed packages: those of the console have many others in them.
  versions: ['node_modules/vite/package.json', 'node_modules/.package-lock.json'],
  output: 'dist/console',
  async make(root, thoroughly) {
    await replaceFolder(join(root, consolePages.output), (folder) =>
      runProgram([join(root, 'src/build/bundle-console.ts'), folder, brotliQuality(thoroughly)], {
        name: consolePages.name,
        root,
        // Anything else, such as "test", would put the slow React for developers in.
        environment: { NODE_ENV: 'production' },
      }),
    )
  },
}

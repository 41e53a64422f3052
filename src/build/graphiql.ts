import { join } from 'node:path'
import type { Product } from './build.ts'
import { brotliQuality } from './compress.ts'
import { replaceFolder } from './folder.ts'
import { runProgram } from './program.ts'

/** The files that GraphiQL's page loads, with compressed ones beside them, in a folder that is named after their content. */
export const graphiqlFiles: Product = {
  name: 'GraphiQL',
  inputs: [
    'src/server/graphiql/page.js',
    'src/server/graphiql/page.css',
    'src/build/unpack-graphiql.ts',
    'src/build/compress.ts',
  ],
  versions: [
    'node_modules/@graphql-yoga/render-graphiql/package.json',
    'node_modules/graphql-ws/package.json',
  ],
  output: 'dist/graphiql',
  async make(root, thoroughly) {
    await replaceFolder(join(root, graphiqlFiles.output), (folder) =>
      runProgram([join(root, 'src/build/unpack-graphiql.ts'), folder, brotliQuality(thoroughly)], {
        name: graphiqlFiles.name,
        root,
      }),
    )
  },
}

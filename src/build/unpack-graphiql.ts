import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as graphiql from '@graphql-yoga/render-graphiql/graphiql'
import { compressFiles } from './compress.ts'

// Writes the files of GraphiQL into a folder of the folder that its first argument names, and compresses them with the quality of
// the second. The name of the inner folder changes with their content, so that they can be cached forever.

const [parent = '', brotliQuality] = process.argv.slice(2)
const page = join(import.meta.dirname, '../server/graphiql')
const graphqlWs = dirname(createRequire(import.meta.url).resolve('graphql-ws/package.json'))
const files = Object.entries({
  'page.js': await readFile(join(page, 'page.js')),
  'page.css': await readFile(join(page, 'page.css')),
  'graphql-ws.js': await readFile(join(graphqlWs, 'umd/graphql-ws.min.js')),
  'graphiql.js': graphiql.js,
  'graphiql.css': graphiql.css,
  'editor.worker.js': graphiql.editorWorkerService,
  'json.worker.js': graphiql.jsonWorker,
  'graphql.worker.js': graphiql.graphqlWorker,
})
const hash = createHash('sha256')
for (const [name, body] of files) hash.update(`${name}\n`).update(body)
const folder = join(parent, hash.digest('hex').slice(0, 16))
await mkdir(folder)
for (const [name, body] of files) await writeFile(join(folder, name), body)
await compressFiles(folder, Number(brotliQuality))

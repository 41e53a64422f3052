import { parentPort } from 'node:worker_threads'
import * as graphiql from '@graphql-yoga/render-graphiql/graphiql'

// Runs in its own thread: GraphiQL is a module of nine megabytes, which takes a third of a second to load and stays in the
// memory of its thread.
const files = {
  'graphiql.js': encoded(graphiql.js),
  'graphiql.css': encoded(graphiql.css),
  'editor.worker.js': encoded(graphiql.editorWorkerService),
  'json.worker.js': encoded(graphiql.jsonWorker),
  'graphql.worker.js': encoded(graphiql.graphqlWorker),
}
parentPort?.postMessage(
  files,
  Object.values(files).map(({ buffer }) => buffer),
)

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

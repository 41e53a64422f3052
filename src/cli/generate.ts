import { parseArgs } from 'node:util'
import { generate, generateIfChanged } from '../generate.ts'
import { OperatorError } from '../operator-error.ts'

// For what is started after it: generates the database client; with --if-changed only if need be.

const { values } = parseArgs({ options: { 'if-changed': { type: 'boolean' } } })
try {
  await (values['if-changed'] ? generateIfChanged() : generate())
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof OperatorError ? error.message : error)
}

import { parseArgs } from 'node:util'
import { generate, generateIfChanged } from '../generate.ts'
import { OperatorError } from '../operator-error.ts'

// Generates the database client for the programs that npm starts after it; with --if-changed only if it has to.

const { values } = parseArgs({ options: { 'if-changed': { type: 'boolean' } } })
try {
  await (values['if-changed'] ? generateIfChanged() : generate())
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof OperatorError ? error.message : error)
}

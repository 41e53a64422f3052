import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { advice } from '../../../src/domain/audit/advice.ts'

test('the documentation says for each finding what the audit says to do', async () => {
  const text = await readFile('docs/operations.md', 'utf8')
  const said = [...text.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)].flatMap(([, kind = '', what = '']) =>
    kind in advice ? [[kind, what.replaceAll('`', '')]] : [],
  )
  expect(said).toEqual(Object.entries(advice))
})

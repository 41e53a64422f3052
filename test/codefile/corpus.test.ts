import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HeaderUnclearError } from '../../src/codefile/code-file-error.ts'
import { type FileRows, readCodeFile } from '../../src/codefile/read.ts'
import { Source } from '../support/code-file.ts'
import { corpus, type Expectation } from './corpus/expected.ts'

const folder = join(import.meta.dirname, 'corpus')

async function read(name: string, { options }: Expectation): Promise<FileRows> {
  const bytes = await readFile(join(folder, name))
  const all = await Array.fromAsync(readCodeFile(Source.of(bytes), { maxBytes: 2 ** 20, ...options }))
  const last = all.at(-1)
  if (last === undefined) throw new Error('Nothing was read.')
  return {
    ...last,
    rows: all.flatMap(({ rows }) => rows),
    rejected: all.flatMap(({ rejected }) => rejected),
  }
}

describe('files from real systems', () => {
  test('are all listed in expected.ts', async () => {
    const files = (await readdir(folder)).filter((name) => !name.endsWith('.ts'))
    expect(files.toSorted()).toEqual(Object.keys(corpus).toSorted())
  })

  test.each(Object.entries(corpus))('%s', async (name, expected) => {
    if ('fails' in expected) {
      const error: unknown = await read(name, expected).catch((reason: unknown) => reason)
      if (expected.fails !== 'HEADER_UNCLEAR') return expect(String(error)).toContain(expected.fails)
      expect(error).toBeInstanceOf(HeaderUnclearError)
      expect(String(error)).toMatch(
        /The file begins with ".+ Upload it again, and say (that|whether) it has /,
      )
      return
    }
    const { rows, rejected, layout } = await read(name, expected)
    expect({
      codes: rows.map(({ code }) => code),
      rejected: rejected.map(({ number }) => number),
      headerRow: layout?.headerRow,
      column: layout?.columnNumber,
    }).toEqual({
      codes: expected.codes,
      rejected: expected.rejected ?? [],
      headerRow: expected.headerRow,
      column: expected.column ?? 1,
    })
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cell } from '../../../src/server/files/csv.ts'
import { RowBytes } from '../../../src/server/files/row-bytes.ts'

const strange = fc.string({
  unit: fc.constantFrom(...'aZ09 .-=+@"\',;\t\r\n\u000b\u00a0\u2003\u007fé＝−漢👩\ufeff'),
})
const size = fc.integer({ min: 0, max: 40 })

test.each([false, true])('cells are written as `cell` writes them, whatever is in them (raw: %s)', (raw) => {
  fc.assert(
    fc.property(fc.array(strange), size, (texts, room) => {
      const rows = new RowBytes(raw, room)
      for (const text of texts) rows.cell(text)
      expect(rows.written().toString()).toBe(texts.map((text) => cell(text, raw)).join(''))
    }),
    { numRuns: 2_000 },
  )
})

test('rows have bytes, cells and times in their order, and are repeated as often as it is said', () => {
  fc.assert(
    fc.property(strange, fc.integer({ min: 0, max: 20 }), size, (text, times, room) => {
      const rows = new RowBytes(true, room)
      const at = new Date('2026-11-25T09:08:07.065Z')
      rows.bytes(Buffer.from('before'))
      const begin = rows.length
      rows.cell(text)
      rows.time(at.getTime())
      rows.repeat(begin, times)
      const row = cell(text, true) + at.toISOString()
      expect(rows.written().toString()).toBe(`before${row.repeat(1 + times)}`)
      rows.clear()
      expect(rows.length).toBe(0)
    }),
  )
})

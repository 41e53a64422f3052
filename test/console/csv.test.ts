import { expect, test } from 'vitest'
import { guarded } from '../../src/codefile/formula-guard.ts'
import { csvOf } from '../../src/console/codes/claiming/csv.ts'

/** What decides about a guard: signs, white space, what separates cells, apostrophes, and a letter. */
const pieces = ['=', '+', '-', '@', '＝', '−', ' ', '\t', '\r', '\n', ',', ';', "'", '"', 'a']

/** All texts of up to three pieces. */
const texts = pieces.flatMap((a) => [a, ...pieces.flatMap((b) => [a + b, ...pieces.map((c) => a + b + c)])])

test('a file that the page makes guards the same cells as those of the service', () => {
  const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  for (const recipient of texts)
    expect(csvOf([{ code: 'A', recipient, alreadyHeld: false }])).toBe(
      `\uFEFFcode,recipient,already_held\r\nA,${quoted(guarded(recipient))},false\r\n`,
    )
})

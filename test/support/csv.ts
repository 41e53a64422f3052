/** The rows of a CSV file according to RFC 4180. Throws if any byte of the file violates it. */
export function readCsv(text: string, delimiter = ','): string[][] {
  return [...csvRows(text, delimiter)].map(({ cells }) => cells)
}

/** Like `readCsv`, with the index in the text at which each row begins. */
export function* csvRows(text: string, delimiter: string): Generator<{ start: number; cells: string[] }> {
  const cell = new RegExp(`"((?:[^"]|"")*)"|([^"${delimiter}\r\n]*)`, 'y')
  for (let at = 0; at < text.length; ) {
    const start = at
    const cells: string[] = []
    for (let end = delimiter; end === delimiter; ) {
      cell.lastIndex = at
      const [whole = '', quoted, plain] = cell.exec(text) ?? []
      cells.push(plain ?? quoted?.replaceAll('""', '"') ?? '')
      at += whole.length
      end = text.startsWith('\r\n', at) ? '\r\n' : (text[at] ?? '')
      if (end !== delimiter && end !== '\r\n') throw new Error(`A cell does not end at ${at}.`)
      at += end.length
    }
    yield { start, cells }
  }
}

/**
 * The first row in which two files differ, as both have it; undefined if there is none. For files with thousands of rows, for
 * which `toEqual` takes seconds.
 */
export function firstDifference(
  actual: readonly string[][],
  expected: readonly (readonly (string | undefined)[])[],
): { row: number; actual: unknown; expected: unknown } | undefined {
  for (let row = 0; row < Math.max(actual.length, expected.length); row++)
    if (JSON.stringify(actual[row]) !== JSON.stringify(expected[row]))
      return { row, actual: actual[row], expected: expected[row] }
  return undefined
}

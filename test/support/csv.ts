/** The rows of a CSV file according to RFC 4180. Throws if any byte of the file violates it. */
export function readCsv(text: string, delimiter = ','): string[][] {
  const cell = new RegExp(`"((?:[^"]|"")*)"|([^"${delimiter}\r\n]*)`, 'y')
  const rows: string[][] = []
  for (let at = 0; at < text.length; ) {
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
    rows.push(cells)
  }
  return rows
}

// About how many characters a piece has.
const pieceLength = 16_384

interface Level {
  keys: readonly string[] | undefined
  values: readonly unknown[]
  next: number
}

/** What JSON.stringify makes of a value of plain objects, arrays and primitives, in pieces, so that a writer can pause or stop. */
export function* jsonPieces(value: unknown): Generator<string, void> {
  let text = ''
  const levels: Level[] = []
  let current = value
  for (;;) {
    if (typeof current === 'object' && current !== null) {
      const level = levelOf(current)
      levels.push(level)
      text += level.keys === undefined ? '[' : '{'
    } else text += JSON.stringify(current) ?? 'null'
    for (
      let level = levels.at(-1);
      level !== undefined && level.next === level.values.length;
      level = levels.at(-1)
    ) {
      text += level.keys === undefined ? ']' : '}'
      levels.pop()
    }
    const level = levels.at(-1)
    if (level === undefined) break
    if (level.next > 0) text += ','
    if (level.keys !== undefined) text += `${JSON.stringify(level.keys[level.next])}:`
    current = level.values[level.next]
    level.next += 1
    if (text.length >= pieceLength) {
      yield text
      text = ''
    }
  }
  yield text
}

function levelOf(value: object): Level {
  if (Array.isArray(value)) return { keys: undefined, values: value, next: 0 }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return { keys: entries.map(([key]) => key), values: entries.map(([, each]) => each), next: 0 }
}

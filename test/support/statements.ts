import { appendFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import pg from 'pg'

const root = join(import.meta.dirname, '../..')

// What these folders ask is of the catalog and the settings, and not of the service's tables.
const others = /^src\/(console|generated|build|database)\//

/** A statement, or a part of one, as it is written in the sources. */
export interface WrittenStatement {
  /** "src/domain/pool/pool.ts:31" */
  where: string
  /** Its fixed parts, between which something is filled in. */
  parts: readonly string[]
}

export function contains(text: string, { parts }: WrittenStatement): boolean {
  let from = 0
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return true
}

/** All SQL in the sources of the service that reads or writes rows of its tables. */
export async function writtenStatements(): Promise<WrittenStatement[]> {
  const found: WrittenStatement[] = []
  const files = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    const name = relative(root, path)
    if (!name.endsWith('.ts') || others.test(name)) continue
    const source = await readFile(path, 'utf8')
    for (const { at, parts } of literalsOf(source)) {
      if (!/^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|LOCK TABLE)\s/.test(parts[0] ?? '')) continue
      // Of no table, as SELECT 1, or of the catalog.
      if (!/\b(FROM(?! pg_)|INTO|UPDATE|LOCK TABLE)\b/.test(parts.join(' '))) continue
      const line = source.slice(0, at).split('\n').length
      found.push({ where: `${name}:${line}`, parts })
    }
  }
  return found
}

/** The string literals of a source, each as its fixed parts. Literals within `${…}` are literals of their own. */
export function literalsOf(source: string): { at: number; parts: string[] }[] {
  const found: { at: number; parts: string[] }[] = []
  /** Reads code from `from` to the brace that closes it, or to the end. Returns where it stopped. */
  const readCode = (from: number, isInner: boolean): number => {
    let depth = 0
    for (let i = from; i < source.length; i++) {
      const char = source[i]
      if (source.startsWith('//', i)) i = endOf('\n', i)
      else if (source.startsWith('/*', i)) i = endOf('*/', i) + 1
      else if (char === "'" || char === '"') i = readQuoted(i, char)
      else if (char === '`') i = readTemplate(i)
      else if (char === '{') depth += 1
      else if (char === '}') {
        if (isInner && depth === 0) return i
        depth -= 1
      }
    }
    return source.length
  }
  const endOf = (text: string, from: number) => {
    const end = source.indexOf(text, from)
    return end === -1 ? source.length : end
  }
  const readQuoted = (from: number, quote: string): number => {
    let i = from + 1
    while (i < source.length && source[i] !== quote && source[i] !== '\n') i += source[i] === '\\' ? 2 : 1
    found.push({ at: from, parts: [unescaped(source.slice(from + 1, i))] })
    return i
  }
  const readTemplate = (from: number): number => {
    const parts: string[] = []
    let start = from + 1
    for (let i = start; i < source.length; i++) {
      if (source[i] === '\\') i += 1
      else if (source[i] === '`') {
        found.push({ at: from, parts: [...parts, source.slice(start, i)].map(unescaped) })
        return i
      } else if (source.startsWith('${', i)) {
        parts.push(source.slice(start, i))
        i = readCode(i + 2, true)
        start = i + 1
      }
    }
    return source.length
  }
  readCode(0, false)
  return found
}

/** The text that a literal stands for, where what is escaped is a backslash, a quote, a line break or NUL. */
function unescaped(literal: string): string {
  return literal.replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char)
}

const escapes: Readonly<Record<string, string>> = { n: '\n', 0: '\0' }

const recorders = new WeakSet<object>()

/**
 * Writes the text of each statement that this process sends from now on into a file, once, as a line of JSON. Called again, it
 * does nothing.
 */
export function recordStatements(file: string): void {
  if (recorders.has(pg.Client.prototype.query)) return
  const seen = new Set<string>()
  const { query } = pg.Client.prototype
  const recording = function (this: pg.Client, ...args: unknown[]): unknown {
    const text = textOf(args[0])
    if (text !== undefined && !seen.has(text)) {
      seen.add(text)
      appendFileSync(file, `${JSON.stringify(text)}\n`)
    }
    return Reflect.apply(query, this, args)
  }
  Reflect.set(pg.Client.prototype, 'query', recording)
  recorders.add(recording)
}

function textOf(statement: unknown): string | undefined {
  const text: unknown =
    typeof statement === 'object' && statement !== null ? Reflect.get(statement, 'text') : statement
  return typeof text === 'string' ? text : undefined
}

/** The texts that the processes of a run have recorded in a folder. */
export async function recordedStatements(folder: string): Promise<Set<string>> {
  const texts = new Set<string>()
  for (const name of await readdir(folder))
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n'))
      if (line !== '') texts.add(String(JSON.parse(line)))
  return texts
}

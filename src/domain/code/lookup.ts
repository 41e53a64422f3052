import { Groups } from '../../async/groups.ts'
import { yieldToEventLoop } from '../../async/pacer.ts'
import { unguarded } from '../../codefile/formula-guard.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import { looseForm, loosePlainForm, readingsOf } from '../../codespace/loose-form.ts'
import { maxTypedLength, type Reading } from '../../codespace/typed-code-reader.ts'
import { plainForm, typedForm } from '../../codespace/typed-form.ts'
import { inSpan } from '../../telemetry/spans.ts'
import type { Books } from '../books/books.ts'
import type { KnownFormats } from '../books/known-formats.ts'
import type { Code, CodeText } from './code.ts'
import { type FoundCodes, findCodes, maxAlike } from './find-codes.ts'

// Look-ups of one statement. A larger group delays the look-ups behind it by more than it saves them.
const maxGroup = 100

// Slow statements of an account that the next one does not wait for: of a connection that fell silent, or a busy database.
const maxSlowStatements = 3

/**
 * Finds codes by what a person types. Look-ups of an account that arrive in the same iteration of the event loop, or while a
 * statement of their account is in flight, are served together by the next one, but do not wait for one that is slow.
 */
export class LookUps {
  readonly #books: Books
  readonly #groups: Groups<[accountId: string], string, Code | undefined>

  constructor(books: Books) {
    this.#books = books
    this.#groups = new Groups({
      of: 'look-ups',
      maxGroups: Number.POSITIVE_INFINITY,
      maxSlowGroupsOfKey: maxSlowStatements,
      maxItems: maxGroup,
      serve: async ([accountId], group) => {
        // Requests that have arrived together are read one after the other: all of them before this goes on.
        await yieldToEventLoop()
        return await this.#serve(accountId, group.close())
      },
    })
  }

  /**
   * The code in one of the account's pools that a person means by `text`, whether it was generated or uploaded. That is the
   * nearest one: first the code that is exactly the text; then one that differs only in case, spaces and dashes; then
   * either of these without surrounding quotation marks, brackets and full stops; then one that differs in characters that
   * people mix up, or in punctuation and accents; then one that differs in both. Undefined if there is none, or several
   * are equally near.
   */
  async find(accountId: string, text: string): Promise<Code | undefined> {
    // PostgreSQL cannot store NUL, and would get half a surrogate pair as another character.
    if (text.length > maxTypedLength || text.includes('\0') || !text.isWellFormed()) return undefined
    // Codes are stored trimmed and composed.
    const written = text.trim().normalize('NFC')
    // No code is that long, even if each of its characters decomposes into many.
    if (written === '' || written.normalize('NFKC').length > 5 * maxTypedLength) return undefined
    return await inSpan('look up', {}, () => this.#groups.add([accountId], written))
  }

  async #serve(
    accountId: string,
    texts: readonly string[],
  ): Promise<(Code | undefined | Promise<undefined>)[]> {
    for (;;) {
      const known = this.#books.knownFormats.get(accountId)
      // They may grow before the answer arrives.
      const { newest } = known
      // A corrupt format fails only the look-ups that may mean one of its codes.
      const read = await Promise.allSettled(texts.map((text) => this.#read(accountId, known, text)))
      const lookUps = indexed(
        read.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
      )
      const found = await findCodes(this.#books, accountId, lookUps)
      // Otherwise there are formats that were not considered: the text may mean one of their codes, or be ambiguous.
      if (found.newestFormat === newest)
        return read.map((outcome) =>
          outcome.status === 'fulfilled'
            ? nearestCode(outcome.value.lookUp, found)
            : Promise.reject(outcome.reason),
        )
      await this.#books.knownFormats.refresh(this.#books, accountId)
    }
  }

  /** Finds the codes that a text may mean among all that the account's formats can produce. */
  async #read(accountId: string, { formats }: KnownFormats, text: string): Promise<ReadText> {
    const spaceOf = (formatId: string) => this.#books.codeSpaces.get(this.#books, accountId, formatId)
    const readings = readingsOf(text)
    // Formats do not overlap: each code is of one.
    const meant = new Map<string, MeantCode>()
    const add = (formatId: string, space: CodeSpace, reading: Reading | undefined) => {
      if (reading !== undefined) meant.set(reading.code, { formatId, space, code: reading.code })
    }
    for (const reading of readings)
      for (const formatId of formats.find(reading)) {
        const space = await spaceOf(formatId)
        add(formatId, space, space.readTyped(reading))
      }
    for (const reading of readings)
      for (const formatId of formats.findLoosely(reading)) {
        const space = await spaceOf(formatId)
        // If the format can read it strictly, that decides.
        if (readings.every((one) => space.readTyped(one) === undefined))
          add(formatId, space, space.readLoosely(reading))
      }
    const lookUp = { text, readings, distanceTo: distanceFrom(text, readings), generated: [] }
    return { lookUp, meant: [...meant.values()] }
  }
}

/** A code that a text may mean, and its format. */
interface MeantCode {
  formatId: string
  space: CodeSpace
  code: string
}

/** A look-up that still lacks its generated codes, as the indices of these are not known. */
interface ReadText {
  lookUp: LookUp
  meant: MeantCode[]
}

/** Adds its generated codes to each look-up. The indices of a format's codes are computed at once, which is faster. */
function indexed(read: readonly ReadText[]): LookUp[] {
  const all = read.flatMap(({ lookUp, meant }) => meant.map((code) => ({ lookUp, ...code })))
  for (const [space, codes] of Map.groupBy(all, (one) => one.space)) {
    const indices = space.indicesOf(codes.map(({ code }) => code))
    for (const [at, { lookUp, formatId, code }] of codes.entries()) {
      const index = indices[at]
      if (index === undefined) throw new Error(`The format ${formatId} does not have the code that it read.`)
      lookUp.generated.push({ code: { formatId, index, code }, distance: lookUp.distanceTo(code) })
    }
  }
  return read.map(({ lookUp }) => lookUp)
}

/** A text to look up, and the codes of formats that it may mean, whether they have been generated or not. */
interface LookUp {
  text: string
  readings: readonly string[]
  distanceTo: (code: string) => number
  generated: Match<CodeText>[]
}

/** A code that a text may mean, and its distance from the text. */
interface Match<Of extends CodeText> {
  code: Of
  distance: number
}

// The distance of a text from a code that it may mean. The nearest code is meant.
const distances = {
  /** The text is the code. */
  exact: 0,
  /** It is the code as in files of this service: with an apostrophe if it looks like a formula. */
  inFile: 1,
  /** It is the code except for case, spaces and dashes. */
  plain: 2,
  /** Another reading of the text is the code; 2 more for each reading before that one, 1 more if only as in `plain`. */
  pasted: 3,
  /** As `plain`, but also except for characters that people mix up, or for punctuation and accents. */
  far: 1_000,
  /** As `far`, but except for both. */
  farthest: 1_001,
}

/** The code that a text means: the nearest one, unless several are equally near. */
function nearestCode({ readings, distanceTo, generated }: LookUp, found: FoundCodes): Code | undefined {
  const matches: Match<Code>[] = []
  for (const { code, distance } of generated) {
    const inPool = found.generated.get(code)
    if (inPool !== undefined) matches.push({ code: { ...code, ...inPool }, distance })
  }
  const uploaded: { code: Code | null; distance: number }[] = []
  for (const form of new Set(readings.map(looseForm)))
    for (const [written, code] of found.uploaded.get(form) ?? []) {
      const distance = distanceTo(written)
      uploaded.push({ code, distance })
      if (code !== null) matches.push({ code, distance })
    }
  const least = Math.min(...matches.map(({ distance }) => distance))
  const [meant, another] = matches.filter(({ distance }) => distance === least)
  if (meant === undefined || another !== undefined) return undefined
  // There may be more codes that are as near but were not read: up to maxAlike are read of those that differ only in case,
  // spaces and dashes, and of all others. The exact code always is.
  const near = uploaded.filter(({ distance }) => least >= distances.far || distance <= least)
  return least <= distances.inFile || near.length < maxAlike ? meant.code : undefined
}

/** Returns a function that measures the distance of the text from a code with the loose form of one of its readings. */
function distanceFrom(text: string, readings: readonly string[]): (code: string) => number {
  const { exact, inFile, plain, pasted, far, farthest } = distances
  // Made when they are needed: most texts are the code, or differ from it only in case, spaces and dashes.
  let plainForms: string[] | undefined
  let typedForms: Set<string> | undefined
  let loosePlainForms: Set<string> | undefined
  return (code) => {
    if (text === code) return exact
    if (unguarded(text) === code) return inFile
    plainForms ??= readings.map(plainForm)
    const at = plainForms.indexOf(plainForm(code))
    if (at === 0) return plain
    if (at > 0) return pasted + 2 * at + (readings[at] === code ? 0 : 1)
    typedForms ??= new Set(readings.map(typedForm))
    loosePlainForms ??= new Set(readings.map(loosePlainForm))
    return typedForms.has(typedForm(code)) || loosePlainForms.has(loosePlainForm(code)) ? far : farthest
  }
}

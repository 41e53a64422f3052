import { unguarded } from '../../codefile/formula-guard.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import { looseForm, looseKey, loosePlainForm, readingsOf } from '../../codespace/loose-form.ts'
import { maxTypedLength, type Reading } from '../../codespace/typed-code-reader.ts'
import { plainForm, plainKey, typedForm, typedKey } from '../../codespace/typed-form.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books } from '../books/books.ts'
import { type Catalog, nobody } from '../books/catalog.ts'
import { placeOfIndex } from '../pool/batch.ts'
import type { Code, CodeText } from './code.ts'
import { behindPlain, identities } from './identity.ts'

// One statement looks up all of a group. A larger group makes those behind it wait longer than it saves them.
const maxGroup = 100

// While the database has one group, the next ones need not wait for the answer to come back.
const maxStatements = 3

// As many uploaded codes are read that are equally far from a text: one of so many is in doubt anyway.
const maxAlike = 50

// How far a text is from a code that it may stand for: the nearest is meant.
const distances = {
  /** It is the code. */
  exact: 0,
  /** It is the code as it stands in a file of this service, where what looks like a formula has an apostrophe before it. */
  inFile: 1,
  /** It is the code but for case, spaces and dashes. */
  plain: 2,
  /** One of its other readings is: so far, and two steps more for each reading before it. */
  pasted: 3,
  /** It is the code but for these, and either for characters that people mix up, or for punctuation and accents. */
  far: 1_000,
  /** It is the code but for all of these. */
  farthest: 1_001,
}

/** A look-up that waits for its turn. */
interface Request {
  text: string
  resolve: (code: Code | undefined) => void
  reject: (error: unknown) => void
}

/** The look-ups of one account that have piled up. */
interface Lane {
  accountId: string
  waiting: Request[]
  /** How many groups of it are being served. */
  serving: number
}

/** A code that a text may stand for, and how far the text is from it. */
interface Candidate<Of extends CodeText> {
  code: Of
  distance: number
}

/** A text, and the codes of formats that it may stand for, whether they have been generated or not. */
interface Question {
  text: string
  readings: readonly string[]
  distanceTo: (code: string) => number
  generated: Candidate<CodeText>[]
}

/** What a database has of the codes that were asked for, all at one moment. */
interface Answers {
  /** The id of the account's newest format; the nil UUID when there is none. */
  newestFormat: string
  /** Where codes of formats lie, by their origin. */
  generated: ReadonlyMap<string, Place>
  /** Uploaded codes by their loose form, then by their text: null for one that is not in a pool. */
  uploaded: ReadonlyMap<string, ReadonlyMap<string, Code | null>>
}

/** Where a code lies, and who has it. */
type Place = Pick<Code, 'poolId' | 'claim'>

/**
 * Finds codes by what a person types. Look-ups of an account that arrive while a few statements of this process look
 * something up in it are served together by the next one; one that comes alone waits for nobody.
 */
export class LookUps {
  readonly #books: Books
  readonly #lanes = new Map<string, Lane>()

  constructor(books: Books) {
    this.#books = books
  }

  /**
   * The code in one of the account's pools that a person means by `text`, whether it was generated or uploaded. What
   * is written exactly so is found first; then what differs in case, spaces and dashes alone; then what is either of
   * these without the quotation marks, brackets and full stop around it; then what differs in characters that people mix
   * up, or in punctuation and accents; then what differs in both. Nothing when no code is meant, or several are equally
   * well.
   */
  async find(accountId: string, text: string): Promise<Code | undefined> {
    // PostgreSQL has no NUL, and half a surrogate pair would reach it as another character.
    if (text.length > maxTypedLength || text.includes('\0') || !text.isWellFormed()) return undefined
    // As codes are written: without space around them, and composed.
    const written = text.trim().normalize('NFC')
    // No code is as long, even of characters of which each stands for many.
    if (written === '' || written.normalize('NFKC').length > 5 * maxTypedLength) return undefined
    return await new Promise((resolve, reject) => {
      this.#enqueue(accountId, { text: written, resolve, reject })
    })
  }

  #enqueue(accountId: string, request: Request): void {
    const lane = this.#lanes.get(accountId) ?? { accountId, waiting: [], serving: 0 }
    this.#lanes.set(accountId, lane)
    lane.waiting.push(request)
    if (lane.serving < maxStatements) void this.#serve(lane)
  }

  /** Serves groups of a lane until nobody waits in it. Never rejects: what goes wrong is told to the requests. */
  async #serve(lane: Lane): Promise<void> {
    lane.serving += 1
    while (lane.waiting.length > 0) {
      const group = lane.waiting.splice(0, maxGroup)
      try {
        await this.#answer(lane.accountId, group)
      } catch (error) {
        for (const request of group) request.reject(error)
      }
    }
    lane.serving -= 1
    if (lane.serving === 0) this.#lanes.delete(lane.accountId)
  }

  async #answer(accountId: string, group: readonly Request[]): Promise<void> {
    for (;;) {
      const catalog = this.#books.catalogs.get(accountId)
      // As of now: it may grow before the answers are here.
      const { newest } = catalog
      // A format that is broken ends the look-ups of its own codes, and no others.
      const asked = await Promise.allSettled(group.map(({ text }) => this.#ask(accountId, catalog, text)))
      const questions = asked.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const answers = await findCodes(this.#books, accountId, questions)
      // Else there are formats that were not thought of: what is meant may be a code of theirs, or in doubt because of one.
      if (answers.newestFormat === newest) {
        for (const [position, request] of group.entries()) {
          const outcome = asked[position]
          if (outcome?.status === 'fulfilled') request.resolve(choose(outcome.value, answers))
          else request.reject(outcome?.reason)
        }
        return
      }
      await this.#books.catalogs.refresh(this.#books, accountId)
    }
  }

  /** What a text may stand for among all strings of the account's formats. */
  async #ask(accountId: string, { formats }: Catalog, text: string): Promise<Question> {
    const spaceOf = (formatId: string) => this.#books.codeSpaces.get(this.#books, accountId, formatId)
    const readings = readingsOf(text)
    const distanceTo = measure(text, readings)
    const generated = new Map<string, Candidate<CodeText>>()
    const add = (formatId: string, space: CodeSpace, reading: Reading | undefined) => {
      if (reading === undefined) return
      const { code } = reading
      const index = space.indexOf(code)
      if (index === undefined)
        throw new Error(`The format ${formatId} does not have the code it was read as.`)
      generated.set(`${formatId} ${code}`, { code: { formatId, index, code }, distance: distanceTo(code) })
    }
    for (const reading of readings)
      for (const formatId of formats.find(reading)) {
        const space = await spaceOf(formatId)
        add(formatId, space, space.readTyped(reading))
      }
    for (const reading of readings)
      for (const formatId of formats.findLoosely(reading)) {
        const space = await spaceOf(formatId)
        // Where it can be read as it is, the format's own characters have decided.
        if (readings.every((one) => space.readTyped(one) === undefined))
          add(formatId, space, space.readLoosely(reading))
      }
    return { text, readings, distanceTo, generated: [...generated.values()] }
  }
}

/** The one code that a text stands for: the nearest one, if there is just one. */
function choose({ readings, distanceTo, generated }: Question, answers: Answers): Code | undefined {
  const candidates: Candidate<Code>[] = []
  for (const { code, distance } of generated) {
    const place = answers.generated.get(originOf(code))
    if (place !== undefined) candidates.push({ code: { ...code, ...place }, distance })
  }
  const uploaded: { code: Code | null; distance: number }[] = []
  for (const form of new Set(readings.map(looseForm)))
    for (const [written, code] of answers.uploaded.get(form) ?? []) {
      const distance = distanceTo(written)
      uploaded.push({ code, distance })
      if (code !== null) candidates.push({ code, distance })
    }
  const least = Math.min(...candidates.map(({ distance }) => distance))
  const [meant, another] = candidates.filter(({ distance }) => distance === least)
  if (meant === undefined || another !== undefined) return undefined
  // There may be more like it, which were not read. What is written exactly so always is; of those that differ in case,
  // spaces and dashes alone, so many are, however many others there are.
  const near = uploaded.filter(({ distance }) => least >= distances.far || distance <= least)
  return least <= distances.inFile || near.length < maxAlike ? meant.code : undefined
}

/** Tells how far a text is from a code of the same loose form as one of its readings. */
function measure(text: string, readings: readonly string[]): (code: string) => number {
  const { exact, inFile, plain, pasted, far, farthest } = distances
  const fileText = unguarded(text)
  const plainForms = readings.map(plainForm)
  const typedForms = new Set(readings.map(typedForm))
  const loosePlainForms = new Set(readings.map(loosePlainForm))
  return (code) => {
    if (text === code) return exact
    if (fileText === code) return inFile
    const at = plainForms.indexOf(plainForm(code))
    if (at === 0) return plain
    if (at > 0) return pasted + 2 * at + (readings[at] === code ? 0 : 1)
    return typedForms.has(typedForm(code)) || loosePlainForms.has(loosePlainForm(code)) ? far : farthest
  }
}

function originOf({ formatId, index }: CodeText): string {
  return `${formatId} ${index}`
}

interface FoundRow {
  newest: string | null
  format_id: string | null
  task_id: string | null
  index: string | null
  code: string | null
  pool_id: string | null
  at: Date | null
  recipient: string | null
}

/** Reads, in one statement, all that is needed to answer questions, but for formats. */
export async function findCodes(
  books: Queryable,
  accountId: string,
  questions: readonly { text: string; generated: readonly { code: CodeText }[] }[],
): Promise<Answers> {
  const generated = questions.flatMap((question) => question.generated.map(({ code }) => code))
  const texts = new Set(questions.map(({ text }) => text))
  const readings = [...new Set([...texts].flatMap(readingsOf))]
  // What differs from one of these in case, spaces and dashes at most is found whatever else there is.
  const written = [...new Set([...texts, ...[...texts].map(unguarded), ...readings])]
  const loose = new Set(readings.map((text) => looseKey(text)))
  const keys = new Set([...readings.map((text) => typedKey(text)), ...loose])
  // What has nothing but spaces, dashes and punctuation is only found when it is written exactly so.
  for (const found of [keys, loose]) found.delete('')
  const rows = await books.rows<FoundRow>({
    name: 'find-codes',
    // Each LATERAL part descends an index or two, whatever the planner knows of the tables. The newest format is
    // read by the same statement: no batch is seen here whose format is not.
    text: `
      SELECT newest.id AS newest, origin.format_id, origin.task_id, origin.index, origin.code, origin.pool_id,
        claim.at, claim.recipient
      FROM (SELECT (SELECT id FROM format WHERE account_id = $1 ORDER BY id DESC LIMIT 1) AS id) AS newest
      LEFT JOIN LATERAL (
        SELECT asked.format_id, NULL::uuid AS task_id, asked.index, NULL::text AS code, place.pool_id, place.position
        FROM unnest($2::uuid[], $3::numeric[]) AS asked (format_id, index)
        CROSS JOIN LATERAL ${placeOfIndex} AS place
        UNION ALL
        SELECT NULL, uploaded.task_id, uploaded.row, uploaded.code, batch.pool_id, batch.start + uploaded.row
        FROM (
          SELECT alike.* FROM unnest($4::text[], $5::text[], $6::text[]) AS asked (code, typed, plain)
          CROSS JOIN LATERAL (
            (
              SELECT task_id, row, code FROM uploaded_code
              WHERE account_id = $1 AND typed = asked.typed AND code = asked.code
                AND coalesce(identity, code) = ANY (${identities('asked')})
              LIMIT 1
            ) UNION ALL (
              SELECT task_id, row, code FROM uploaded_code
              WHERE account_id = $1 AND typed = asked.typed
                AND coalesce(identity, code) >= asked.plain AND coalesce(identity, code) < ${behindPlain('asked.plain')}
              LIMIT ${maxAlike}
            )
          ) AS alike
          UNION ALL
          SELECT alike.* FROM unnest($7::text[]) AS asked (typed)
          CROSS JOIN LATERAL (
            SELECT task_id, row, code FROM uploaded_code WHERE account_id = $1 AND typed = asked.typed
            LIMIT ${maxAlike}
          ) AS alike
          UNION ALL
          SELECT alike.* FROM unnest($8::text[]) AS asked (loose)
          CROSS JOIN LATERAL (
            SELECT task_id, row, code FROM uploaded_code WHERE account_id = $1 AND loose = asked.loose
            LIMIT ${maxAlike}
          ) AS alike
        ) AS uploaded
        LEFT JOIN LATERAL (
          SELECT pool_id, start FROM batch
          WHERE account_id = $1 AND task_id = uploaded.task_id AND format_id IS NULL AND count > uploaded.row
          LIMIT 1
        ) AS batch ON true
      ) AS origin ON true
      LEFT JOIN LATERAL (
        SELECT first, count, at, recipient FROM claim
        WHERE account_id = $1 AND pool_id = origin.pool_id AND first <= origin.position
        ORDER BY first DESC LIMIT 1
      ) AS claim ON origin.position < claim.first + claim.count`,
    values: [
      accountId,
      generated.map(({ formatId }) => formatId),
      generated.map(({ index }) => index),
      written,
      written.map((text) => typedKey(text)),
      written.map(plainKey),
      [...keys],
      [...loose],
    ],
  })
  return decodeAnswers(rows)
}

function decodeAnswers(rows: readonly FoundRow[]): Answers {
  const generated = new Map<string, Place>()
  const uploaded = new Map<string, Map<string, Code | null>>()
  for (const {
    format_id: formatId,
    task_id: uploadId,
    index,
    code,
    pool_id: poolId,
    at,
    recipient,
  } of rows) {
    const claim = at === null ? undefined : { at, recipient: recipient ?? undefined }
    if (formatId !== null && poolId !== null) generated.set(`${formatId} ${index}`, { poolId, claim })
    if (uploadId === null || index === null || code === null) continue
    const form = looseForm(code)
    const alike = uploaded.get(form) ?? new Map<string, Code | null>()
    uploaded.set(form, alike)
    alike.set(code, poolId === null ? null : { uploadId, index: BigInt(index), code, poolId, claim })
  }
  return { newestFormat: rows[0]?.newest ?? nobody, generated, uploaded }
}

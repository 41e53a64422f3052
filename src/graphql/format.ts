import { type CharacterSet as CharacterSetName, characterSets } from '../codespace/characters.ts'
import { Pattern, type ShapeInput } from '../codespace/pattern.ts'
import { warningsFor } from '../codespace/warnings.ts'
import {
  FormatOverlapError,
  InvalidInputError,
  NameTakenError,
  NotFoundError,
} from '../domain/books/errors.ts'
import { createFormat, previewFormat } from '../domain/format/create.ts'
import { availableForGeneration, countFormats, listFormats, renameFormat } from '../domain/format/format.ts'
import type { Format as FormatRow } from '../generated/prisma/client.ts'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { countedConnectionType, pageWeight } from './connections.ts'
import { loadedReads } from './field-rules.ts'
import { inputId, uuidOf } from './ids.ts'
import { integer } from './integers.ts'
import {
  maxCharactersBytes,
  maxExampleBytes,
  maxMessageBytes,
  maxNameBytes,
  maxPatternBytes,
} from './max-sizes.ts'
import { aboutSearch, badInput, checkPage, newestFirst, pageArguments, searchText } from './pagination.ts'

const maxExamples = 20
const previewExamples = 3

export const Format = builder.prismaNode('Format', {
  description:
    'The structure of codes: fixed text around random characters. It never changes once it is created; only its ' +
    'name does. Any number of pools can be filled from one format, and no two codes of it are ever the same.',
  id: { resolve: (format) => format.id },
  findUnique: (id, { accountId }) => ({ accountId_id: { accountId, id } }),
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'Its name, unique among the formats of the account, whatever its case.',
    }),
    pattern: t.exposeString('pattern', {
      weight: { bytes: maxPatternBytes },
      description:
        "The whole shape: '#' stands for one random character, everything else for itself; '\\' takes the special " +
        "meaning from the '#' or '\\' after it. For example SUMMER-#####-#####",
    }),
    characters: t.exposeString('characters', {
      weight: { bytes: maxCharactersBytes },
      description: "The characters a '#' can become, in order.",
    }),
    capacity: t.field({
      type: 'BigInt',
      description: 'How many distinct codes the format can ever produce.',
      resolve: (format) => integer(format.capacity),
    }),
    generatedCount: t.field({
      type: 'BigInt',
      description: 'How many of them tasks have generated into pools so far.',
      resolve: (format) => integer(format.generated),
    }),
    reservedCount: t.field({
      type: 'BigInt',
      description: 'How many are promised to tasks that are waiting.',
      resolve: (format) => integer(format.reserved),
    }),
    availableForGeneration: t.field({
      type: 'BigInt',
      description:
        "'Available codes for generation': what a new task can still ask for. Exact. Uploaded codes of this shape are left " +
        'out: the format never generates them.',
      resolve: available,
    }),
    guessOdds: t.field({
      type: 'BigInt',
      nullable: true,
      description:
        'One random guess in this many hits a generated code; null while none is generated. Divide it by the guesses ' +
        'that somebody can make in a second to see how long your codes hold.',
      resolve: (format) => {
        const generated = integer(format.generated)
        return generated === 0n ? null : integer(format.capacity) / generated
      },
    }),
    examples: t.stringList({
      description:
        'Strings of this shape, for show, the same at every read: they say nothing about the codes that will be ' +
        `generated. At most ${maxExamples}.`,
      weight: ({ count }) => ({
        items: Math.min(Math.max(0, count), maxExamples),
        bytes: maxExampleBytes,
      }),
      checkArgs: ({ count }) => {
        if (count < 0 || count > maxExamples)
          throw badInput(`count is ${grouped(count)}. From 0 to ${maxExamples} examples are possible.`)
      },
      args: {
        count: t.arg.int({
          required: true,
          defaultValue: 3,
          description: `How many: 0 to ${maxExamples}.`,
        }),
      },
      resolve: (format, { count }) => Pattern.parse(format.pattern, format.characters).examples(count),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

function available(format: FormatRow): bigint {
  return availableForGeneration({
    capacity: integer(format.capacity),
    next: integer(format.next),
    reserved: integer(format.reserved),
    takenAhead: integer(format.takenAhead),
  })
}

const FormatConnection = countedConnectionType(Format, 'formats')

// ---------------------------------------------------------------- the shape of codes

const CharacterSet = builder.enumType('CharacterSet', {
  description: 'Ready-made sets of characters.',
  values: {
    DIGITS: { description: '0-9' },
    UPPERCASE: { description: 'A-Z' },
    UPPERCASE_DIGITS: { description: 'A-Z 0-9' },
    MIXED_DIGITS: { description: 'A-Z a-z 0-9' },
    UNAMBIGUOUS: {
      description: `${characterSets.UNAMBIGUOUS}: nothing that people mix up, and no vowels, so that no words form. The best choice for codes that people type.`,
    },
  } satisfies Record<CharacterSetName, { description: string }>,
})

const FormatBodyInput = builder.inputType('FormatBodyInput', {
  description: 'The random part: that many random characters in a row, or a pattern. Give one of the two.',
  isOneOf: true,
  fields: (t) => ({
    length: t.int({ description: 'That many random characters in a row.' }),
    pattern: t.string({
      description:
        "'#' stands for one random character, everything else for itself; write '\\#' for a '#' and '\\\\' for a '\\'. " +
        'For example #####-#####',
    }),
  }),
})

const FormatCharactersInput = builder.inputType('FormatCharactersInput', {
  description: 'What the random characters can be: a ready-made set, or your own list. Give one of the two.',
  isOneOf: true,
  fields: (t) => ({
    set: t.field({ type: CharacterSet, description: 'A ready-made set.' }),
    list: t.string({ description: 'Your own characters, each once: at least two. For example ABC123' }),
  }),
})

const FormatShapeInput = builder.inputType('FormatShapeInput', {
  description:
    "The shape of codes: prefix, then the body, then suffix. Prefix and suffix are literal: a '#' in them is a '#'.",
  fields: (t) => ({
    prefix: t.string({
      required: true,
      defaultValue: '',
      description: 'Fixed text that every code begins with.',
    }),
    suffix: t.string({
      required: true,
      defaultValue: '',
      description: 'Fixed text that every code ends with.',
    }),
    body: t.field({ type: FormatBodyInput, required: true, description: 'The random part.' }),
    characters: t.field({
      type: FormatCharactersInput,
      required: true,
      description: 'What the random characters can be.',
    }),
  }),
})

function shapeOf(input: typeof FormatShapeInput.$inferInput): ShapeInput {
  const { length, pattern } = input.body
  const { set, list } = input.characters
  return {
    prefix: input.prefix,
    suffix: input.suffix,
    body: length == null ? { pattern: pattern ?? '' } : { length },
    characters: set == null ? { list: list ?? '' } : { set },
  }
}

// One for each of the codes.
const maxWarnings = 2

const FormatWarningCode = builder.enumType('FormatWarningCode', {
  description: 'What a person should know about a format before using it.',
  values: {
    GUESSABLE: { description: 'There are so few codes that they can be found by trying.' },
    LOOK_ALIKES: { description: 'The characters contain some that people mix up.' },
  } as const,
})

type Preview = Awaited<ReturnType<typeof previewFormat>>

const FormatWarning = builder.objectRef<Preview['warnings'][number]>('FormatWarning').implement({
  description: 'What a person should know about a format before using it. It can be created all the same.',
  fields: (t) => ({
    code: t.expose('code', { type: FormatWarningCode, description: 'What it is about. For programs.' }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'What it is about, with figures. For people.',
    }),
  }),
})

const FormatPreview = builder.objectRef<Preview>('FormatPreview').implement({
  description: 'What a format would be, before it is created.',
  fields: (t) => ({
    pattern: t.string({
      description: "The whole shape, with '#' for a random character.",
      weight: { bytes: maxPatternBytes },
      resolve: ({ pattern }) => pattern.source,
    }),
    characters: t.string({
      description: "The characters a '#' can become, in order.",
      weight: { bytes: maxCharactersBytes },
      resolve: ({ pattern }) => pattern.characters,
    }),
    capacity: t.field({
      type: 'BigInt',
      description: 'How many distinct codes the format could ever produce.',
      resolve: ({ pattern }) => pattern.capacity,
    }),
    examples: t.stringList({
      description:
        'Strings of this shape, for show: they say nothing about the codes that would be generated.',
      weight: { items: previewExamples, bytes: maxExampleBytes },
      resolve: ({ pattern }) => pattern.examples(previewExamples),
    }),
    overlaps: t.field({
      type: [Format],
      description: "The account's formats it would overlap with, ten at most: none when it can be created.",
      weight: { items: 10, reads: loadedReads },
      resolve: async ({ overlaps }, _args, { nodes }) =>
        (await Promise.all(overlaps.map((id) => nodes.format.load(id)))).filter((format) => format !== null),
    }),
    warnings: t.field({
      type: [FormatWarning],
      description: 'What a person should know before using it.',
      weight: { items: maxWarnings },
      resolve: (preview) => preview.warnings,
    }),
  }),
})

// ---------------------------------------------------------------- operations

builder.queryFields((t) => ({
  format: t.prismaField({
    type: Format,
    nullable: true,
    description:
      'A format of the account by its id; null when there is none, as for any other text. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a format.' }) },
    resolve: (query, _root, { id }, { books, accountId }) =>
      books.prisma.format.findUnique({
        ...query,
        where: { accountId_id: { accountId, id: uuidOf('Format', id) } },
      }),
  }),
  formats: t.field({
    type: FormatConnection,
    description: 'The formats of the account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: checkPage,
    args: {
      ...pageArguments(),
      search: t.arg.string({ description: aboutSearch }),
    },
    resolve: async (_root, { search, ...page }, { books, accountId, nodes }) => {
      const text = searchText(search)
      const connection = await newestFirst(page, {
        load: async (slice) => {
          const ids = await listFormats(books, accountId, text, slice)
          return (await Promise.all(ids.map((id) => nodes.format.load(id)))).filter(
            (format) => format !== null,
          )
        },
      })
      return { ...connection, totalCount: () => countFormats(books, accountId, text) }
    },
  }),
  previewFormat: t.field({
    type: FormatPreview,
    nullable: true,
    description:
      'What a format of this shape would be: how many codes it can give, examples, and what stands against it. Creates ' +
      'nothing. Needs READ.',
    authScopes: { scope: 'READ' },
    errors: {
      types: [InvalidInputError],
      union: { description: 'What the format would be, or what is wrong with its shape.' },
    },
    args: {
      shape: t.arg({ type: FormatShapeInput, required: true, description: 'The shape of its codes.' }),
    },
    resolve: async (_root, { shape }, { books, accountId }) =>
      await previewFormat(books, accountId, shapeOf(shape)),
  }),
}))

interface FormatPayload {
  formatId: string
}

function formatPayload<Payload extends FormatPayload>(name: string, description: string) {
  return builder.objectRef<Payload>(name).implement({
    description,
    fields: (t) => ({
      format: t.field({
        type: Format,
        description: 'The format, as it is now.',
        weight: { reads: loadedReads },
        resolve: async ({ formatId }, _args, { nodes }) => {
          const format = await nodes.format.load(formatId)
          if (format === null) throw new Error(`The format ${formatId} of an answer does not exist.`)
          return format
        },
      }),
    }),
  })
}

const CreateFormatPayload = formatPayload<FormatPayload & Pick<Preview, 'warnings'>>(
  'CreateFormatPayload',
  'The format was created.',
)
builder.objectField(CreateFormatPayload, 'warnings', (t) =>
  t.field({
    type: [FormatWarning],
    description: 'What a person should know before using it: the same that previewFormat says of its shape.',
    weight: { items: maxWarnings },
    resolve: ({ warnings }) => warnings,
  }),
)
const RenameFormatPayload = formatPayload('RenameFormatPayload', 'The format has its new name.')

const CreateFormatInput = builder.inputType('CreateFormatInput', {
  description: 'A format to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'A name for people: 1 to 100 characters, unique among the formats of the account, whatever its case.',
    }),
    shape: t.field({ type: FormatShapeInput, required: true, description: 'The shape of its codes.' }),
  }),
})

const RenameFormatInput = builder.inputType('RenameFormatInput', {
  description: 'A format and its new name.',
  fields: (t) => ({
    formatId: t.id({ required: true, description: 'The id of the format.' }),
    name: t.string({
      required: true,
      description:
        'The new name: 1 to 100 characters, unique among the formats of the account, whatever its case.',
    }),
  }),
})

builder.mutationFields((t) => ({
  createFormat: t.field({
    type: CreateFormatPayload,
    nullable: true,
    description:
      'Creates a format. It cannot be changed later, so look at previewFormat first: a format that has warnings is created ' +
      'all the same. Two formats of an account never ' +
      'share a code: one that could is refused. Codes that were uploaded before are left out, and are not among ' +
      'availableForGeneration; where they are many, the first tasks of the format wait for a worker to take them out. ' +
      'Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NameTakenError, FormatOverlapError],
      union: { description: 'The new format, or why there is none.' },
    },
    args: { input: t.arg({ type: CreateFormatInput, required: true, description: 'The format to create.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const shape = shapeOf(input.shape)
      const formatId = await createFormat(books, accountId, { name: input.name, shape })
      return { formatId, warnings: warningsFor(Pattern.fromShape(shape)) }
    },
  }),
  renameFormat: t.field({
    type: RenameFormatPayload,
    nullable: true,
    description: 'Gives a format another name. Its codes stay as they are. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, NameTakenError],
      union: { description: 'The renamed format, or why it keeps its name.' },
    },
    args: { input: t.arg({ type: RenameFormatInput, required: true, description: 'What to rename.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const formatId = inputId('Format', input.formatId, 'formatId')
      await renameFormat(books, accountId, { formatId, name: input.name })
      return { formatId }
    },
  }),
}))

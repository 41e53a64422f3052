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
import {
  availableForGeneration,
  type Format as FormatRow,
  formatsNamed,
  renameFormat,
} from '../domain/format/format.ts'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { badInput } from './errors/top-level.ts'
import { loadedReads } from './field-rules.ts'
import { inputId, uuidOf } from './ids.ts'
import {
  maxCharactersBytes,
  maxExampleBytes,
  maxMessageBytes,
  maxNameBytes,
  maxPatternBytes,
} from './max-sizes.ts'
import { existing } from './nodes.ts'
import {
  aboutSearch,
  checkPage,
  countedConnectionType,
  newestFirst,
  pageArguments,
  pageWeight,
  searchText,
} from './pagination.ts'

const maxExamples = 20
const previewExamples = 3

export const Format = builder.objectRef<FormatRow>('Format')

builder.node(Format, {
  description:
    'The structure of codes: random characters with fixed text around them. Once created, only its name can change. ' +
    'A format can fill any number of pools and never produces the same code twice.',
  id: { resolve: (format) => format.id },
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'The name. It is unique among the formats of the account, ignoring case.',
    }),
    pattern: t.exposeString('pattern', {
      weight: { bytes: maxPatternBytes },
      description:
        "The full shape of a code, for example SUMMER-#####-#####. '#' stands for a random character, any other character " +
        "for itself. '\\' escapes a '#' or '\\'.",
    }),
    characters: t.exposeString('characters', {
      weight: { bytes: maxCharactersBytes },
      description: "The characters that a '#' can stand for, in order.",
    }),
    capacity: t.expose('capacity', {
      type: 'BigInt',
      description: 'The number of different codes that the format can produce in all.',
    }),
    generatedCount: t.expose('generated', {
      type: 'BigInt',
      description: 'The number of codes that tasks have generated so far.',
    }),
    reservedCount: t.expose('reserved', {
      type: 'BigInt',
      description: 'The number of codes that are reserved for waiting tasks.',
    }),
    availableForGeneration: t.field({
      type: 'BigInt',
      description:
        "'Available codes for generation': the exact number of codes that a new task can ask for. Uploaded codes of this " +
        'shape do not count: the format never generates them.',
      resolve: availableForGeneration,
    }),
    guessOdds: t.field({
      type: 'BigInt',
      nullable: true,
      description:
        'The number of random guesses that it takes, on average, to hit a generated code. Divide it by the guesses ' +
        'that an attacker can make per second to get the seconds until the first hit. Null until a code has been ' +
        'generated.',
      resolve: ({ capacity, generated }) => (generated === 0n ? null : capacity / generated),
    }),
    examples: t.stringList({
      description:
        'Sample strings of this shape, the same at every read. They reveal nothing about the codes that will be generated. ' +
        `At most ${maxExamples}.`,
      weight: ({ count }) => ({
        items: Math.min(Math.max(0, count), maxExamples),
        bytes: maxExampleBytes,
      }),
      checkArgs: ({ count }) => {
        if (count < 0 || count > maxExamples)
          throw badInput(`count is ${grouped(count)}. It must be from 0 to ${maxExamples}.`)
      },
      args: {
        count: t.arg.int({
          required: true,
          defaultValue: 3,
          description: `The number of examples: 0 to ${maxExamples}.`,
        }),
      },
      resolve: (format, { count }) => Pattern.parse(format.pattern, format.characters).examples(count),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the format was created.' }),
  }),
})

const FormatConnection = countedConnectionType(Format, 'formats')

// ---------------------------------------------------------------- the shape of codes

const CharacterSet = builder.enumType('CharacterSet', {
  description: 'A predefined set of characters.',
  values: {
    DIGITS: { description: '0-9' },
    UPPERCASE: { description: 'A-Z' },
    UPPERCASE_DIGITS: { description: 'A-Z 0-9' },
    MIXED_DIGITS: { description: 'A-Z a-z 0-9' },
    UNAMBIGUOUS: {
      description: `${characterSets.UNAMBIGUOUS}: no characters that people confuse, and no vowels, so that no words appear. The best choice for codes that people type.`,
    },
  } satisfies Record<CharacterSetName, { description: string }>,
})

const FormatBodyInput = builder.inputType('FormatBodyInput', {
  description: 'The body of a code: a length or a pattern. Give exactly one of them.',
  isOneOf: true,
  fields: (t) => ({
    length: t.int({ description: 'The number of random characters. The body has nothing else.' }),
    pattern: t.string({
      description:
        "A pattern, for example #####-#####. '#' stands for a random character, any other character for itself. Write '\\#' " +
        "for a '#' and '\\\\' for a '\\'.",
    }),
  }),
})

const FormatCharactersInput = builder.inputType('FormatCharactersInput', {
  description: 'The possible random characters: a predefined set or your own list. Give exactly one of them.',
  isOneOf: true,
  fields: (t) => ({
    set: t.field({ type: CharacterSet, description: 'A predefined set.' }),
    list: t.string({
      description: 'Your own characters, for example ABC123: at least two, each listed once.',
    }),
  }),
})

const FormatShapeInput = builder.inputType('FormatShapeInput', {
  description:
    "The shape of codes: prefix, body, suffix. Prefix and suffix are literal: a '#' in them is just a '#'.",
  fields: (t) => ({
    prefix: t.string({
      required: true,
      defaultValue: '',
      description: 'Fixed text at the beginning of every code.',
    }),
    suffix: t.string({
      required: true,
      defaultValue: '',
      description: 'Fixed text at the end of every code.',
    }),
    body: t.field({
      type: FormatBodyInput,
      required: true,
      description: 'The part with the random characters.',
    }),
    characters: t.field({
      type: FormatCharactersInput,
      required: true,
      description: 'The possible random characters.',
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

// One per FormatWarningCode.
const maxWarnings = 2

const FormatWarningCode = builder.enumType('FormatWarningCode', {
  description: 'The kind of a warning about a format.',
  values: {
    GUESSABLE: { description: 'The format has so few codes that they can be guessed.' },
    LOOK_ALIKES: { description: 'The format has characters that people confuse.' },
  } as const,
})

type Preview = Awaited<ReturnType<typeof previewFormat>>

const FormatWarning = builder.objectRef<Preview['warnings'][number]>('FormatWarning').implement({
  description:
    'A weakness of a format to know about before using it. It does not prevent the format from being created.',
  fields: (t) => ({
    code: t.expose('code', {
      type: FormatWarningCode,
      description: 'The kind of the warning, for programs.',
    }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'The warning, with figures, for people.',
    }),
  }),
})

const FormatPreview = builder.objectRef<Preview>('FormatPreview').implement({
  description: 'A format before it is created.',
  fields: (t) => ({
    pattern: t.string({
      description: "The full shape of a code, with '#' for each random character.",
      weight: { bytes: maxPatternBytes },
      resolve: ({ pattern }) => pattern.source,
    }),
    characters: t.string({
      description: "The characters that a '#' can stand for, in order.",
      weight: { bytes: maxCharactersBytes },
      resolve: ({ pattern }) => pattern.characters,
    }),
    capacity: t.field({
      type: 'BigInt',
      description: 'The number of different codes that the format could produce in all.',
      resolve: ({ pattern }) => pattern.capacity,
    }),
    guessOdds: t.field({
      type: 'BigInt',
      nullable: true,
      description:
        'The number of random guesses that it would take, on average, to hit a code once this many have been generated: as ' +
        'guessOdds of a format. Null if the format could not produce that many.',
      checkArgs: ({ codes }) => {
        if (codes < 1n) throw badInput(`codes is ${grouped(codes)}. It must be at least 1.`)
      },
      args: {
        codes: t.arg({
          type: 'BigInt',
          required: true,
          description: 'The number of codes that are to be generated: at least 1.',
        }),
      },
      resolve: ({ pattern: { capacity } }, { codes }) => (codes > capacity ? null : capacity / codes),
    }),
    examples: t.stringList({
      description:
        'Sample strings of this shape. They reveal nothing about the codes that would be generated.',
      weight: { items: previewExamples, bytes: maxExampleBytes },
      resolve: ({ pattern }) => pattern.examples(previewExamples),
    }),
    overlaps: t.field({
      type: [Format],
      description:
        'Formats of your account that could produce the same codes, at most ten. The format can only be created if ' +
        'there are none.',
      weight: { items: 10, reads: loadedReads },
      resolve: async ({ overlaps }, _args, { nodes }) =>
        (await Promise.all(overlaps.map((id) => nodes.format.load(id)))).filter((format) => format !== null),
    }),
    warnings: t.field({
      type: [FormatWarning],
      description: 'Weaknesses to know about before using the format.',
      weight: { items: maxWarnings },
      resolve: (preview) => preview.warnings,
    }),
  }),
})

// ---------------------------------------------------------------- operations

builder.queryFields((t) => ({
  format: t.field({
    type: Format,
    nullable: true,
    description:
      'The format with this id. Null if your account has none, or if the text is not an id. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a format.' }) },
    resolve: (_root, { id }, { nodes }) => nodes.format.load(uuidOf('Format', id)),
  }),
  formats: t.field({
    type: FormatConnection,
    description: 'The formats of your account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: (args) => checkPage(args, 'Format'),
    args: {
      ...pageArguments(),
      search: t.arg.string({ description: aboutSearch }),
    },
    resolve: (_root, { search, ...page }, context) =>
      newestFirst(
        page,
        { type: 'Format', nodes: context.nodes.format, filter: formatsNamed(searchText(search)) },
        context,
      ),
  }),
  previewFormat: t.field({
    type: FormatPreview,
    nullable: true,
    description:
      'A preview of a format of this shape: its capacity, examples, warnings, and existing formats that rule it out. ' +
      'Creates nothing. Needs READ.',
    authScopes: { scope: 'READ' },
    errors: {
      types: [InvalidInputError],
      union: { description: 'A preview of the format, or what is wrong with its shape.' },
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
        description: 'The format in its current state.',
        weight: { reads: loadedReads },
        resolve: ({ formatId }, _args, { nodes }) => existing(nodes.format, formatId),
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
    description: 'Weaknesses to know about before using the format, as previewFormat reports them.',
    weight: { items: maxWarnings },
    resolve: ({ warnings }) => warnings,
  }),
)
const RenameFormatPayload = formatPayload('RenameFormatPayload', 'The format was renamed.')

const CreateFormatInput = builder.inputType('CreateFormatInput', {
  description: 'The format to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'The name: 1 to 100 characters, unique among the formats of the account, ignoring case.',
    }),
    shape: t.field({ type: FormatShapeInput, required: true, description: 'The shape of its codes.' }),
  }),
})

const RenameFormatInput = builder.inputType('RenameFormatInput', {
  description: 'The format to rename and its new name.',
  fields: (t) => ({
    formatId: t.id({ required: true, description: 'The id of the format.' }),
    name: t.string({
      required: true,
      description:
        'The new name: 1 to 100 characters, unique among the formats of the account, ignoring case.',
    }),
  }),
})

builder.mutationFields((t) => ({
  createFormat: t.field({
    type: CreateFormatPayload,
    nullable: true,
    description:
      'Creates a format. Its shape cannot be changed later, and warnings do not prevent its creation, so call ' +
      'previewFormat first. No two formats of an account can produce the same code: a format that overlaps with ' +
      'another is refused. Codes that were uploaded before are never generated and do not count in ' +
      'availableForGeneration. If there are many of them, the first tasks of the format wait until a worker has ' +
      'excluded them. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NameTakenError, FormatOverlapError],
      union: { description: 'The new format, or why it was not created.' },
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
    description: 'Renames a format. Its codes do not change. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, NameTakenError],
      union: { description: 'The renamed format, or why it was not renamed.' },
    },
    args: {
      input: t.arg({ type: RenameFormatInput, required: true, description: 'The format and its new name.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const formatId = inputId('Format', input.formatId, 'formatId')
      await renameFormat(books, accountId, { formatId, name: input.name })
      return { formatId }
    },
  }),
}))

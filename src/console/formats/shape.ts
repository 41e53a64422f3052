import type { Shape } from './preview-query.ts'

export type CharacterSet = Extract<Shape['characters'], { set: unknown }>['set']

/** The fields of the form that describes a format. */
export interface FormatValues extends Record<string, unknown> {
  name: string
  prefix: string
  suffix: string
  body: 'length' | 'pattern'
  /** As a number field has it: a text while it is empty. */
  length: number | string
  pattern: string
  characters: CharacterSet | 'LIST'
  list: string
}

export const newFormat: FormatValues = {
  name: '',
  prefix: '',
  suffix: '',
  body: 'length',
  length: 10,
  pattern: '#####-#####',
  characters: 'UNAMBIGUOUS',
  list: '',
}

/** The field of the form for each path of the API's input. */
export const formatFields = {
  'shape.prefix': 'prefix',
  'shape.suffix': 'suffix',
  'shape.body': 'length',
  'shape.body.length': 'length',
  'shape.body.pattern': 'pattern',
  'shape.characters': 'characters',
  'shape.characters.list': 'list',
}

/** The shape that the form describes. Undefined while it has no length. */
export function shapeOf(values: FormatValues): Shape | undefined {
  const { prefix, suffix, body, length, pattern, characters, list } = values
  if (body === 'length' && length === '') return undefined
  return {
    prefix,
    suffix,
    body: body === 'length' ? { length: Number(length) } : { pattern },
    characters: characters === 'LIST' ? { list } : { set: characters },
  }
}

import { describe, expect, it } from 'vitest'
import { codesOf, readAll } from '../support/code-file.ts'

const numbered = (start: string) =>
  Array.from({ length: 1_000 }, (_, at) => `${start}${String(at + 1).padStart(4, '0')}`)

describe('codes that look like explanations of a template', () => {
  it.each([
    'EX-',
    'NP-',
    'SAMPLE-',
    'BEISPIEL-',
    'YOUR-CODE-',
    'EX ',
    'example: ',
    'TEXT-',
    'YOURCODE',
    'Ex–',
  ])('are codes in a series of %s', async (start) => {
    expect(await codesOf(`Code\n${numbered(start).join('\n')}\n`)).toEqual(numbered(start))
  })

  it.each([
    [['BEISPIEL-7', 'SOMMER-10']],
    [['YOUR-CODE-1', 'YOUR-CODE-2']],
    [['OPTIONAL', 'SAMPLE', 'SUMMER', 'WINTER', 'AUTUMN']],
    [['TEXT', 'OPTIONAL', 'REQUIRED', 'SUMMER', 'WINTER', 'SPRING']],
    [['YOURCODE', 'MYCODE', 'HISCODE', 'HERCODE', 'OURCODE']],
    [['SAMPLE', 'X7KD92', 'KQWZPL', 'MM4T6Y', 'AWFGHQ', 'B2CD4E']],
    [['SUM 10', 'SUM 20', 'SUM 30']],
  ])('are codes where the others are alike: %j', async (codes) => {
    expect(await codesOf(`Code\n${codes.join('\n')}\n`)).toEqual(codes)
  })

  it.each([
    [
      ['REQUIRED', 'A unique discount code presented to customers'],
      ['X1', 'X2', 'X3', 'X4'],
    ],
    [['Required'], ['SALE', 'SUMMER', 'WINTER', 'AUTUMN', 'SPRING']],
    [['e.g. SPRING10'], ['X1', 'X2', 'X3', 'X4']],
    [['Example - SPRING10'], ['X1', 'X2', 'X3', 'X4']],
    [['YOURCODE'], ['X7KD92LM', 'P0QW83ZZ', 'A9SD71KJ', 'M4T6Y8UU']],
    [
      ['TEXT', 'OPTIONAL'],
      ['X7KD92LM', 'P0QW83ZZ', 'A9SD71KJ', 'M4T6Y8UU'],
    ],
  ])('are none where the others are not: %j', async (explanations, codes) => {
    const { rows, refused } = await readAll(`Code\n${[...explanations, ...codes].join('\n')}\n`)
    expect(rows.map(({ code }) => code)).toEqual(codes)
    expect(refused.map(({ text, reason }) => [text, reason])).toEqual(
      explanations.map((text) => [text, expect.stringContaining('It is written for people')]),
    )
  })
})

import { plainForm, typedForm, typedKey } from './typed-form.ts'

/**
 * The loose forms of the table in typed-form.ts. They ignore punctuation, which people put between groups, leave out,
 * paste along or end a sentence with, and accents, which not every keyboard has. Symbols that mean something, such as %
 * and +, stay.
 */

const punctuation = '.,:;\'"`/\\_()[]{}<>' + '‘’‚‛“”„‟«»‹›ʹʺʻʼʽʾʿˈˊˋ′″‴‵‶‷·•‧・、。،؛「」『』【】〔〕〈〉《》'
// Combining marks that are not part of a composed letter.
const marks = Array.from({ length: 0x70 }, (_, at) => String.fromCharCode(0x300 + at)).join('')
const dropped = new Set(punctuation + marks)

/** Letters with a stroke, which Unicode does not decompose. */
const crossed: ReadonlyMap<string, string> = new Map([
  ['Ø', 'O'],
  ['Ł', 'L'],
  ['Đ', 'D'],
])

/** Letters without their accents, in capitals. */
const bare: ReadonlyMap<string, string> = new Map([
  ...crossed,
  ...lettersOf(0xc0, 0x24f),
  ...lettersOf(0x370, 0x52f),
  ...lettersOf(0x1e00, 0x1fff),
])

const loosened = new RegExp(
  `[${[...dropped, ...bare.keys()].map((character) => `\\u{${hex(character)}}`).join('')}]`,
  'gu',
)
const isAscii = /^[ -~]*$/
const lettersAndDigits = /^[0-9A-Z]*$/
const asciiPunctuation = /[.,:;'"`/\\_()[\]{}<>]/g

/** What `looseKey` replaces, in the form of translate() in SQL: a character of `from` without a counterpart is removed. */
export const looseCharacters: { from: string; to: string } = {
  from: [...bare.keys(), ...dropped].join(''),
  to: [...bare.values()].map(typedForm).join(''),
}

const unmarked = /^[0-9A-Za-z -]*$/

/** Whether a text has only ASCII letters, digits, spaces and dashes: its loose forms are its typed form and its plain form. */
export function isUnmarked(text: string): boolean {
  return unmarked.test(text)
}

/** The typed form of a text without punctuation and accents. */
export function looseForm(text: string): string {
  return withoutThem(typedForm(text), typedForm)
}

/** The plain form of a text without punctuation and accents. */
export function loosePlainForm(text: string): string {
  return withoutThem(plainForm(text), (letter) => letter)
}

/** What an uploaded code is looked up by when punctuation and accents do not count. `key` is its typedKey. */
export function looseKey(code: string, key = typedKey(code)): string {
  return withoutThem(key, typedForm)
}

/** The characters of a text without punctuation. One whose loose plain form is several characters becomes these. */
export function looselyTyped(text: string): string[] {
  return [...text.normalize('NFKC')].flatMap((character) => {
    const plain = loosePlainForm(character)
    return plain.length === 1 ? [character] : [...plain]
  })
}

// More layers of quotation marks and brackets are not meant as such.
const maxLayers = 4
const enclosing = /[\p{Ps}\p{Pe}\p{Pi}\p{Pf}"'`´′″<>＂＇＜＞]/u
const beforeSentence = /[\s¡¿]/
const behindSentence = /[\s.,:;!?…。、，：；！？،؛؟]/

/**
 * What a person may have meant by a text, typed or pasted from a sentence, the likeliest first: the text itself;
 * then, layer by layer, without the quotation marks and brackets around it and the punctuation that ends a sentence;
 * each also with an apostrophe for whatever looks like one.
 */
export function readingsOf(text: string): string[] {
  let rest = text.trim()
  // A shortcut for most texts: nothing surrounds them.
  if (isUnmarked(rest)) return rest === '' ? [] : [rest]
  const readings = new Set<string>()
  for (let layer = 0; layer <= maxLayers && rest !== ''; layer++) {
    readings.add(rest).add(rest.replace(/[´ˊ`ˋ‘’‛ʹʼʾʿˈ′‵]/g, "'"))
    rest = without(beforeSentence, behindSentence, rest) ?? without(enclosing, enclosing, rest, 1) ?? ''
  }
  return [...readings]
}

/** A text without up to `max` matching characters at each end; undefined if there are none. */
function without(before: RegExp, behind: RegExp, text: string, max = text.length): string | undefined {
  // One by one from the ends: a pattern with a repetition in front of `$` takes quadratic time.
  let start = 0
  let end = text.length
  while (start < Math.min(max, end) && before.test(text.charAt(start))) start += 1
  while (end > Math.max(start, text.length - max) && behind.test(text.charAt(end - 1))) end -= 1
  return end - start === text.length ? undefined : text.slice(start, end).trim()
}

function withoutThem(form: string, formOf: (letter: string) => string): string {
  if (lettersAndDigits.test(form)) return form
  if (isAscii.test(form)) return form.replace(asciiPunctuation, '')
  return form.replace(loosened, (character) => formOf(bare.get(character) ?? ''))
}

/** The letters with accents in a range of code points that are their own plain form, each with its base letter. */
function lettersOf(from: number, to: number): [string, string][] {
  const found: [string, string][] = []
  for (let number = from; number <= to; number++) {
    const letter = String.fromCharCode(number)
    const base = letter.normalize('NFD').replace(/\p{Mn}/gu, '')
    const plain = crossed.get(base) ?? base
    if (plain.length === 1 && plain !== letter && plainForm(letter) === letter && plainForm(plain) === plain)
      found.push([letter, plain])
  }
  return found
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16)
}

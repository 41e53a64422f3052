import { plainForm, typedForm, typedKey } from './typed-form.ts'

/**
 * How a text is read more loosely than by its form: without punctuation, which people put between groups, leave out,
 * paste along or end a sentence with, and without accents, which not every keyboard has. Symbols that mean something,
 * such as % and +, stay.
 *
 * The books keep what these make of uploaded codes: whatever changes them needs a migration.
 */

const punctuation = '.,:;\'"`/\\_()[]{}<>' + '‘’‚‛“”„‟«»‹›ʹʺʻʼʽʾʿˈˊˋ′″‴‵‶‷·•‧・、。،؛「」『』【】〔〕〈〉《》'
// Those that no letter has melted with.
const marks = Array.from({ length: 0x70 }, (_, at) => String.fromCharCode(0x300 + at)).join('')
const dropped = new Set(punctuation + marks)

/** Letters that have their accent built in, as Unicode sees them. */
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

/** The characters that `looseKey` replaces, and what it replaces them by; those behind the last one are left out. */
export const looseCharacters: { from: string; to: string } = {
  from: [...bare.keys(), ...dropped].join(''),
  to: [...bare.values()].map(typedForm).join(''),
}

/** The form of a text without punctuation and accents. */
export function looseForm(text: string): string {
  return withoutThem(typedForm(text), typedForm)
}

/** The plain form of a text without punctuation and accents. */
export function loosePlainForm(text: string): string {
  return withoutThem(plainForm(text), (letter) => letter)
}

/** What an uploaded code is found by when punctuation and accents do not count; `key` is its typedKey. */
export function looseKey(code: string, key = typedKey(code)): string {
  return withoutThem(key, typedForm)
}

/** The characters of a text that count when it is read loosely: as they are, unless people write one as several. */
export function looselyTyped(text: string): string[] {
  return [...text.normalize('NFKC')].flatMap((character) => {
    const plain = loosePlainForm(character)
    return plain.length === 1 ? [character] : [...plain]
  })
}

// Nobody means more by it than this.
const maxLayers = 4
const enclosing = /[\p{Ps}\p{Pe}\p{Pi}\p{Pf}"'`´′″<>＂＇＜＞]/u
const beforeSentence = /[\s¡¿]/
const behindSentence = /[\s.,:;!?…。、，：；！？،؛؟]/

/**
 * What a text may have been meant as that somebody types, or pastes from a sentence, the likeliest first: the text
 * itself; then, layer by layer, without the quotation marks and brackets around it and without what ends a sentence;
 * each with the apostrophe for what looks like one.
 */
export function readingsOf(text: string): string[] {
  const readings = new Set<string>()
  let rest = text.trim()
  for (let layer = 0; layer <= maxLayers && rest !== ''; layer++) {
    readings.add(rest).add(rest.replace(/[´ˊ`ˋ‘’‛ʹʼʾʿˈ′‵]/g, "'"))
    rest = without(beforeSentence, behindSentence, rest) ?? without(enclosing, enclosing, rest, 1) ?? ''
  }
  return [...readings]
}

/** A text without so many characters of a kind before and behind it; nothing if there are none. */
function without(before: RegExp, behind: RegExp, text: string, most = text.length): string | undefined {
  // One by one from the ends: a pattern with a repetition before the end takes quadratic time.
  let start = 0
  let end = text.length
  while (start < Math.min(most, end) && before.test(text.charAt(start))) start += 1
  while (end > Math.max(start, text.length - most) && behind.test(text.charAt(end - 1))) end -= 1
  return end - start === text.length ? undefined : text.slice(start, end).trim()
}

function withoutThem(form: string, formOf: (letter: string) => string): string {
  if (lettersAndDigits.test(form)) return form
  if (isAscii.test(form)) return form.replace(asciiPunctuation, '')
  return form.replace(loosened, (character) => formOf(bare.get(character) ?? ''))
}

/** Of the characters from one number to another, those that are letters with accents and the form of themselves. */
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

import { characterSets } from './characters.ts'
import { alikeInEitherCase } from './look-alikes.ts'

/** No code has a space, and none has an invisible character: whoever pastes one along means nothing by it. */
const ignorable = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu
/** Keyboards and word processors turn a dash into these; codes can have the ASCII one alone. */
const dashes = /[\p{Pd}\u2212\u30fc]/gu

// Longer texts, which are no codes anyway, have more characters than a call takes arguments.
const ascii = /^[ -~]{0,1000}$/
const asciiSpacesAndDashes = /[ -]+/g

/** Of each group of look-alikes the character that stands for all: the one that most codes have, so that most are their own form. */
const standIns: ReadonlyMap<string, string> = findStandIns()
const replaced = new RegExp(`[${[...standIns.keys()].join('')}]`, 'g')
/** By its number, the number of the form of a character of ASCII; 0 for a space and a dash. */
const asciiForms = Uint8Array.from({ length: 127 }, (_, number) => {
  const form = withStandIns(plainForm(String.fromCharCode(number)))
  return form === '' ? 0 : form.charCodeAt(0)
})

// Many codes are their own form, and are seen to be at a glance.
const ownForm = /^[0-9A-HJKMNP-RTV-Y]*$/

/** The characters that a person typed, without spaces and, unless they count, dashes. */
export function typedCharacters(text: string, dashesCount: boolean): string[] {
  const typed = ascii.test(text)
    ? text.replaceAll(' ', '')
    : text.normalize('NFKC').replace(ignorable, '').replace(dashes, '-')
  return [...(dashesCount ? typed : typed.replaceAll('-', ''))]
}

/**
 * What a text and all that a person may type for it have in common: without spaces and dashes, in one case, and with
 * one of the characters that people mix up, O and 0 or I, L and 1, for the others. The form of a form is itself.
 */
export function typedForm(text: string): string {
  if (ownForm.test(text)) return text
  return ascii.test(text) ? asciiForm(text) : withStandIns(plainForm(text))
}

// An entry of an index has room for no more, beside a code as long as codes can be.
const maxTypedKeyLength = 255

/**
 * What an uploaded code is found by: its form, or the beginning of that. The books are sorted by it: whatever changes
 * the key of any code, here or in what Node.js knows of Unicode, needs a migration of them.
 */
export function typedKey(code: string): string {
  const form = typedForm(code)
  return form.length <= maxTypedKeyLength
    ? form
    : form.slice(0, maxTypedKeyLength).replace(/[\ud800-\udbff]$/, '')
}

// Codes such as GRWK78843 are their own plain form, and are seen to be at a glance.
const ownPlainForm = /^[!-,.-`{-~]*$/

/**
 * What an uploaded code must not share with another one of the account, unless the upload says that case counts: its
 * plain form. A code whose form is longer than codes can be, as some letters are written as many, is told from others
 * as it is. The books depend on it as they do on `typedKey`.
 */
export function plainKey(code: string): string {
  if (ownPlainForm.test(code)) return code
  const plain = plainForm(code)
  // What has nothing but spaces and dashes is what it is.
  return plain.length <= maxTypedKeyLength && plain !== '' ? plain : code
}

/** What a text and all that differ from it in case, spaces and dashes alone have in common. */
export function plainForm(text: string): string {
  if (ascii.test(text)) return text.replace(asciiSpacesAndDashes, '').toUpperCase()
  const typed = text.normalize('NFKC').replace(ignorable, '').replace(dashes, '')
  // A letter whose capital is several characters may have left some that melt into one.
  return foldCase(typed).toUpperCase().normalize('NFKC')
}

/** The form of a single character that a person typed, where a dash counts as any other. */
export function characterForm(character: string): string {
  return character === '-' ? character : typedForm(character)
}

/** Two characters that are one letter in its cases have one form: to lower case alone would tell ς from σ, and ẞ from ß. */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}

/** Several times as fast as what it shortens: an upload asks for the form of every code. */
function asciiForm(text: string): string {
  const form: number[] = []
  for (let at = 0; at < text.length; at++) {
    const number = asciiForms[text.charCodeAt(at)] ?? 0
    if (number !== 0) form.push(number)
  }
  return String.fromCharCode(...form)
}

function withStandIns(text: string): string {
  return text.replace(replaced, (character) => standIns.get(character) ?? character)
}

function findStandIns(): Map<string, string> {
  const found = new Map<string, string>()
  for (const group of alikeInEitherCase) {
    const capitals = [...new Set(foldCase(group).toUpperCase())]
    const usual = capitals.find((capital) => characterSets.UNAMBIGUOUS.includes(capital)) ?? capitals[0]
    // A character of two groups joins them.
    const standIn =
      capitals.map((capital) => found.get(capital)).find((known) => known !== undefined) ?? usual
    for (const capital of capitals)
      if (standIn !== undefined && capital !== standIn) found.set(capital, standIn)
  }
  return found
}

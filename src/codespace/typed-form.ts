import { characterSets } from './characters.ts'
import { alikeInEitherCase } from './look-alikes.ts'

/*
 * What a text has in common with all that people may type for it. Two texts that differ only in what a form ignores have
 * the same form, and the form of a form is itself.
 *
 *   form            what it ignores                               who uses it
 *   plainForm       spaces, dashes, invisible characters, case,   upload: codes of one plain form are duplicates
 *                   and variants that NFKC replaces               look-up: a match in it ranks before all below
 *   typedForm       as plainForm, and look-alikes: I 1 L, O 0     look-up of codes as people type them
 *   loosePlainForm  as plainForm, and punctuation and accents     look-up: a match in it ranks as one in typedForm
 *   looseForm       as typedForm, and punctuation and accents     look-up, when nothing else is found
 *
 * `characterForm` and `foldCase` are for single characters of a pattern. The forms of uploaded codes are stored as keys,
 * which are bounded, as an index entry has room for no more:
 *
 *   key             of the form       stored in uploaded_code as
 *   plainKey        plainForm         identity (see domain/format/identity.ts)
 *   typedKey        typedForm         typed
 *   looseKey        looseForm         loose
 *
 * So whatever changes the key of any code, here or in what Node.js knows of Unicode, needs a migration.
 */

/** Codes have no spaces and no invisible characters: they were pasted along. */
const ignorable = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu
/** What keyboards and word processors make of a dash; codes can have only the ASCII one. */
const dashes = /[\p{Pd}\u2212\u30fc]/gu

// Bounded, as `asciiForm` passes each character as an argument; longer texts are not codes anyway.
const ascii = /^[ -~]{0,1000}$/
const asciiSpacesAndDashes = /[ -]+/g

/**
 * Look-alikes, each with the one of its group that replaces it: the one that most codes have, so that these are their own
 * form.
 */
const standIns: ReadonlyMap<string, string> = findStandIns()
const replaced = new RegExp(`[${[...standIns.keys()].join('')}]`, 'g')
/** The typed form of each ASCII character, both as code points; 0 for a space and a dash. */
const asciiForms = Uint8Array.from({ length: 127 }, (_, number) => {
  const form = withStandIns(plainForm(String.fromCharCode(number)))
  return form === '' ? 0 : form.charCodeAt(0)
})

/** What `characterForm` and `foldCharacter` return for each ASCII character: a look-up asks for the forms of many. */
const asciiCharacterForms = Array.from(asciiForms, (form, number) =>
  number === 0x2d ? '-' : form === 0 ? '' : String.fromCharCode(form),
)
const asciiFolds = Array.from({ length: 127 }, (_, number) => foldCase(String.fromCharCode(number)))

// A shortcut: many codes are their own typed form.
const ownForm = /^[0-9A-HJKMNP-RTV-Y]*$/

/** The characters that a person typed, without spaces, and without dashes unless they count. */
export function typedCharacters(text: string, dashesCount: boolean): string[] {
  const typed = ascii.test(text)
    ? text.replaceAll(' ', '')
    : text.normalize('NFKC').replace(ignorable, '').replace(dashes, '-')
  return [...(dashesCount ? typed : typed.replaceAll('-', ''))]
}

/** A text without spaces and dashes, in one case, and with one character of each group of look-alikes for all of them. */
export function typedForm(text: string): string {
  if (ownForm.test(text)) return text
  return ascii.test(text) ? asciiForm(text) : withStandIns(plainForm(text))
}

// What an index entry has room for, next to a code of the maximum length.
const maxTypedKeyLength = 255

/** What an uploaded code is looked up by: its typed form, or the beginning of that. */
export function typedKey(code: string): string {
  const form = typedForm(code)
  return form.length <= maxTypedKeyLength
    ? form
    : form.slice(0, maxTypedKeyLength).replace(/[\ud800-\udbff]$/, '')
}

// A shortcut: codes such as GRWK78843 are their own plain form.
const ownPlainForm = /^[!-,.-`{-~]*$/

/**
 * What no two uploaded codes of an account may share, unless the upload is case-sensitive: the plain form. A code whose
 * plain form is too long, as a character may have several, is its own key.
 */
export function plainKey(code: string): string {
  if (ownPlainForm.test(code)) return code
  const plain = plainForm(code)
  // A code of only spaces and dashes is also its own key.
  return plain.length <= maxTypedKeyLength && plain !== '' ? plain : code
}

/** A text without spaces and dashes, in capitals. */
export function plainForm(text: string): string {
  if (ascii.test(text)) return text.replace(asciiSpacesAndDashes, '').toUpperCase()
  const typed = text.normalize('NFKC').replace(ignorable, '').replace(dashes, '')
  // Capitals of several characters may have left some that NFKC composes.
  return foldCase(typed).toUpperCase().normalize('NFKC')
}

/** The typed form of a single character, where a dash counts. */
export function characterForm(character: string): string {
  return asciiCharacterForms[character.charCodeAt(0)] ?? typedForm(character)
}

/** `foldCase` of a single character. */
export function foldCharacter(character: string): string {
  return asciiFolds[character.charCodeAt(0)] ?? foldCase(character)
}

/** A text in one case. Lower case alone would distinguish ς from σ, and ẞ from ß. */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}

/** Several times as fast as the general way: an upload needs the form of every code. */
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
    // A character that is in two groups joins them.
    const standIn =
      capitals.map((capital) => found.get(capital)).find((known) => known !== undefined) ?? usual
    for (const capital of capitals)
      if (standIn !== undefined && capital !== standIn) found.set(capital, standIn)
  }
  return found
}

export type CharacterSet = 'DIGITS' | 'UPPERCASE' | 'UPPERCASE_DIGITS' | 'MIXED_DIGITS' | 'UNAMBIGUOUS'

/** The characters of each set, in the order in which a format stores them. */
export const characterSets: Readonly<Record<CharacterSet, string>> = {
  DIGITS: '0123456789',
  UPPERCASE: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  UPPERCASE_DIGITS: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  MIXED_DIGITS: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  UNAMBIGUOUS: 'BCDFGHJKMPQRTVWXY2346789',
}

interface RefusedKind {
  readonly test: RegExp
  readonly plural: string
  /** Why, and what to do instead. */
  readonly advice: string
  /** Named by code point alone: printed, they would be invisible or change the characters next to them. */
  readonly invisible?: true
}

/** The first kind that matches a character names it. */
const refusedKinds: readonly RefusedKind[] = [
  {
    test: /^\p{Cs}$/u,
    plural: 'broken characters',
    advice: 'the text was cut or encoded wrongly; send it again as valid Unicode',
    invisible: true,
  },
  {
    test: /^\p{Cc}$/u,
    plural: 'control characters',
    advice: 'tabs, line breaks and the like cannot be typed in a code; leave them out',
    invisible: true,
  },
  {
    test: /^\p{Z}$/u,
    plural: 'spaces',
    advice: 'they get lost when a code is copied or read out; use "-" to separate groups',
    invisible: true,
  },
  {
    test: /^[\p{Cf}\p{Default_Ignorable_Code_Point}]$/u,
    plural: 'invisible characters',
    advice: 'people could not see or type them; leave them out',
    invisible: true,
  },
  {
    test: /^(?![\0-\xff])[\p{Extended_Pictographic}\p{Emoji_Presentation}\p{Emoji_Modifier}]$/u,
    plural: 'emoji',
    advice: 'they look different on every device and many tills cannot print them; use letters and digits',
  },
  {
    test: /^\p{M}$/u,
    plural: 'combining marks',
    advice: 'they merge with the character before them; use letters that have their accent built in, or none',
    invisible: true,
  },
  {
    test: /^[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]$/u,
    plural: 'parts of Korean syllables',
    advice: 'they merge with the characters next to them; use whole syllables',
    invisible: true,
  },
  {
    test: /^\p{Co}$/u,
    plural: 'private-use characters',
    advice: 'they mean something else, or nothing, on other devices; use letters and digits',
    invisible: true,
  },
  {
    test: /^\p{Cn}$/u,
    plural: 'unassigned characters',
    advice: 'Unicode gives them no meaning; use letters and digits',
    invisible: true,
  },
]

const anotherForm: RefusedKind = {
  test: /./u,
  plural: 'variant forms of other characters',
  advice: 'some systems silently replace them by the plain characters; use those',
}

const otherPlane: RefusedKind = {
  test: /./u,
  plural: 'rare characters beyond U+FFFF',
  advice: 'many systems count or store them wrongly; use more common letters and digits',
}

const neitherLetterNorDigit: RefusedKind = {
  test: /./u,
  plural: 'characters that are neither letters nor digits',
  advice: 'of symbols and punctuation, only those of ASCII are permitted, such as - _ . / + *',
}

/**
 * One sentence for each kind of character in a text that codes cannot have; none if all are permitted. `subject`
 * begins each sentence: 'The prefix'.
 *
 * Permitted are printable ASCII except the space, and letters and digits of any script that are a single UTF-16 unit
 * and that normalization (NFC, NFKC) never changes. So every system counts the same number of characters in a code,
 * and no system on the way to the till changes the code.
 */
export function refusedCharacters(text: string, subject: string): string[] {
  const found = new Map<RefusedKind, Set<string>>()
  for (const character of text) {
    const kind = refusedKindOf(character)
    if (kind) found.set(kind, (found.get(kind) ?? new Set()).add(character))
  }
  return [...found].map(([kind, characters]) => {
    const names = listed([...characters], kind.invisible ? codePoint : quotedCharacter)
    return `${subject} contains ${kind.plural} (${names}): ${kind.advice}.`
  })
}

/** "A", "B" and 3 more: enough items to find the place in a list of any length. */
export function listed(items: readonly string[], name: (item: string) => string): string {
  const named = items.slice(0, 5).map(name)
  if (items.length > named.length) return `${named.join(', ')} and ${items.length - named.length} more`
  const last = named.pop()
  return named.length > 0 ? `${named.join(', ')} and ${last}` : `${last}`
}

function refusedKindOf(character: string): RefusedKind | undefined {
  if (/^[!-~]$/.test(character)) return undefined
  const kind = refusedKinds.find(({ test }) => test.test(character))
  if (kind) return kind
  if (character.normalize('NFKC') !== character) return anotherForm
  if (!/^[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{Nd}]$/u.test(character)) return neitherLetterNorDigit
  return character.length > 1 ? otherPlane : undefined
}

function quotedCharacter(character: string): string {
  const plain = character.normalize('NFKC')
  const meant = plain !== character && /^[!-~\p{L}\p{Nd}]+$/u.test(plain) ? ` instead of "${plain}"` : ''
  return `"${character}" ${codePoint(character)}${meant}`
}

/** U+0020: how a character is named that could not be seen. */
export function codePoint(character: string): string {
  const number = character.codePointAt(0) ?? 0
  return `U+${number.toString(16).toUpperCase().padStart(4, '0')}`
}

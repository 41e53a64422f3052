/** No code has a space, and none has an invisible character: whoever pastes one along means nothing by it. */
export const ignorable = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu
/** Keyboards and word processors turn a dash into these; codes can have the ASCII one alone. */
export const dashes = /[\p{Pd}\u2212\u30fc]/gu

// Most codes are their own form, and are seen to be at a glance.
const ownForm = /^[0-9A-HJ-KM-NP-Z]*$/

/**
 * What a text and all that a person may type for it have in common: without spaces and dashes, in one case, and with
 * one of the characters that people mix up, O and 0 or I, L and 1, for the others.
 */
export function typedForm(text: string): string {
  if (ownForm.test(text)) return text
  const plain = text.normalize('NFKC').replace(ignorable, '').replace(dashes, '')
  return foldCase(plain).toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
}

/** Two characters that are one letter in its cases have one form: to lower case alone would tell ς from σ, and ẞ from ß. */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}

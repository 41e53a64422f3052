import { hasShapeOf, isOneOf } from './likeness.ts'

/**
 * Texts among the codes that are not codes. In templates, rows below the header explain it: that the column is required,
 * what belongs in it, an example.
 */

/** How many rows below a header may explain it. */
export const maxExplanationRows = 3

/**
 * Whether the first texts below a header explain it. Codes may look like explanations (EX-0001, SAMPLE, YOURCODE), so at
 * least one must be of another kind than the rows below. `inWords`: the file's codes are of several words.
 */
export function hasExplanations(below: readonly string[], inWords: boolean): boolean {
  const first = below.slice(0, maxExplanationRows)
  const others = below.slice(maxExplanationRows)
  return first.some(
    (text, at) =>
      isExplanation(text, inWords) && !isOneOf(text, others) && !isNumbered(text, first.toSpliced(at, 1)),
  )
}

/** Whether a text is one of a series, such as OPTIONAL-1 and OPTIONAL-2. */
function isNumbered(text: string, others: readonly string[]): boolean {
  return /^[^\s\p{Nd}]+\p{Nd}+$/u.test(text) && others.some((other) => hasShapeOf(other, text))
}

const notes = new RegExp(
  `^[(*[]?(?:${[
    'required|mandatory|optional|obligatory|compulsory|string|text|varchar(?:\\(\\d+\\))?|alphanumeric',
    'erforderlich|pflicht|pflichtfeld|obligatoire|facultatif|requis|obligatorio|requerido|opcional|obrigatório',
    'obbligatorio|facoltativo|verplicht|optioneel|wymagane|opcjonalne|obowiązkowe|obligatorisk|påkrævet|pakollinen',
    'обязательно|необязательно|обязательное поле|zorunlu|isteğe bağlı|必須|任意|必填|选填|選填|필수|선택',
  ].join('|')})[)*\\]]?[.!]?$`,
  'iu',
)

const examples =
  /^(?:e\.?\s?g\.?|ex\.?|example|for example|sample|z\.?\s?b\.?|beispiel|par exemple|exemple|p\.\s?ej\.?|ejemplo|por ejemplo|exemplo|esempio|ad es\.?|np\.?|przykład|bijv\.?|voorbeeld|esim\.?|пример|напр\.?|örnek|例|예)(?:[\s:：(]|[–-]\s|$)/iu

const placeholders =
  /^[<[{]{1,2}[^<>[\]{}]*\bcodes?\b[^<>[\]{}]*[>\]}]{1,2}$|\b(?:your|ihr|dein|votre|tu)[\s_-]?(?:unique[\s_-]?)?code\b(?![\s_-]?\d)/iu

const totals =
  /^(?:grand total|sub-?total|totals?|sum|summe|gesamt|count|anzahl|rows?|zeilen|somme|totale|suma|razem|итого|всего|合計|合计|总计|합계)(?:\s*[:=]\s*|\s+)[\d.,\s]+$/iu

// The number of rows, and the words that database tools write after it.
const rowCounts = [
  /\(?\d[\d.,]{0,12}\s(?:rows?|records?|results?|zeilen?|datensätze|lignes?|filas?|righe|rijen|linhas?|строка|строки|строк)/,
  /(?:\s(?:in set|affected|selected|returned|fetched|found|betroffen|ausgewählt))?\)?[.;]?(?:\s\(\d[\d.,]{0,8}\s?s(?:ec)?\))?/,
]

const fillers = new RegExp(
  `^(?:${[
    // A line between rows, as database tools draw it.
    '[+|\\s]*[-_=–—─][-_=–—─+|\\s]*',
    // A word for no value.
    'null|[(<[]null[)>\\]]|n/a|\\\\n|none|nil|nan|undefined',
    rowCounts.map(({ source }) => source).join(''),
  ].join('|')})$`,
  'iu',
)

// In UTF-16 code units. Longer texts cannot be codes either way.
const maxFillerLength = 255

/** Whether a text stands in for a code: a line between rows, a word for an empty cell, or a row count. */
export function isFiller(text: string): boolean {
  return text.length <= maxFillerLength && fillers.test(text)
}

/** Whether a text right below a header explains it. */
export function isExplanation(text: string, inWords: boolean): boolean {
  if (notes.test(text) || examples.test(text) || placeholders.test(text)) return true
  return !inWords && /\S\s+\S+\s+\S/.test(text) && /\p{Ll}{2}|\p{Lo}{2}/u.test(text)
}

/** Whether a text among codes without spaces is for people: a sentence, or the total below a table. */
export function isRemark(text: string): boolean {
  return isSentence(text) || totals.test(text)
}

/** Whether a text is at least four words, or three and a full stop, not all in capitals. */
function isSentence(text: string): boolean {
  if (!text.includes(' ')) return false
  const parts = text.split(/\s+/)
  const spelled = parts.filter((part) => /^[\p{L}'’"“„(][\p{L}\p{M}'’"”)-]*[.,;:!?…)]*$/u.test(part))
  const isLong = parts.length >= 4 || (parts.length === 3 && /[.!?]$/.test(text))
  return isLong && spelled.length >= parts.length * 0.7 && /\p{Ll}{2}|\p{Lo}{2}/u.test(text)
}

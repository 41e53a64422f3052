import { hasShapeOf, isOneOf } from './likeness.ts'

/**
 * Templates that are filled in have rows below their header that explain it: that a column is required, what belongs
 * in it, an example. They stand where codes stand, and none of them is one.
 */

/** How many rows below a header can be explanations. */
export const maxExplanationRows = 3

/** What stands right below the header of a file, as far as it could explain the column. */
export interface Explanations {
  /** The rows that could, from the first below the header. */
  first: readonly string[]
  /** Those behind them. */
  behind: readonly string[]
  /** Whether codes of this file are words. */
  inWords: boolean
}

/**
 * Whether a file has explanations below its header. Codes can look like one (EX-0001, SAMPLE, YOURCODE): they are taken
 * for explanations only where one is of another kind than the rows behind them.
 */
export function hasExplanations({ first, behind, inWords }: Explanations): boolean {
  return first.some(
    (text, at) =>
      isExplanation(text, inWords) &&
      !isOneOf(text, behind) &&
      !isNumbered(text, [...first.slice(0, at), ...first.slice(at + 1)]),
  )
}

/** Whether a text is one of a series that another continues: OPTIONAL-1 and OPTIONAL-2. */
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

// In two parts: the number of rows, and what tools for databases say behind it.
const rowCounts = [
  /\(?\d[\d.,]{0,12}\s(?:rows?|records?|results?|zeilen?|datensätze|lignes?|filas?|righe|rijen|linhas?|строка|строки|строк)/,
  /(?:\s(?:in set|affected|selected|returned|fetched|found|betroffen|ausgewählt))?\)?[.;]?(?:\s\(\d[\d.,]{0,8}\s?s(?:ec)?\))?/,
]

const fillers = new RegExp(
  `^(?:${[
    // A rule between rows, as tools for databases draw it.
    '[+|\\s]*[-_=–—─][-_=–—─+|\\s]*',
    // What stands for no value.
    'null|[(<[]null[)>\\]]|n/a|\\\\n|none|nil|nan|undefined',
    rowCounts.map(({ source }) => source).join(''),
  ].join('|')})$`,
  'iu',
)

// In characters. Rules can be longer, but then they are nothing else.
const maxFillerLength = 255

/** Whether a text stands where there is no code: a rule, a word for nothing, or how many rows there are. */
export function isFiller(text: string): boolean {
  return text.length <= maxFillerLength && fillers.test(text)
}

/** Whether a text right below a header explains the column, rather than be a code. `inWords`: codes of this file are words. */
export function isExplanation(text: string, inWords: boolean): boolean {
  if (notes.test(text) || examples.test(text) || placeholders.test(text)) return true
  return !inWords && /\S\s+\S+\s+\S/.test(text) && /\p{Ll}{2}|\p{Lo}{2}/u.test(text)
}

/** Whether a text among codes without spaces is written for people: a remark, or the total below a table. */
export function isRemark(text: string): boolean {
  return isSentence(text) || totals.test(text)
}

/** Whether a text is of words, as only what is written for people to read is: four of them, not all in capitals. */
function isSentence(text: string): boolean {
  // Most codes have no space.
  if (!text.includes(' ')) return false
  const parts = text.split(/\s+/)
  const spelled = parts.filter((part) => /^[\p{L}'’"“„(][\p{L}\p{M}'’"”)-]*[.,;:!?…)]*$/u.test(part))
  const isLong = parts.length >= 4 || (parts.length === 3 && /[.!?]$/.test(text))
  return isLong && spelled.length >= parts.length * 0.7 && /\p{Ll}{2}|\p{Lo}{2}/u.test(text)
}

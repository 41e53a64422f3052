/**
 * Templates that are filled in have rows below their header that explain it: that a column is required, what belongs
 * in it, an example. They stand where codes stand, and none of them is one.
 */

/** How many rows below a header can be explanations. */
export const maxExplanationRows = 3

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
  /^(?:e\.?\s?g\.?|ex\.?|example|for example|sample|z\.?\s?b\.?|beispiel|par exemple|exemple|p\.\s?ej\.?|ejemplo|por ejemplo|exemplo|esempio|ad es\.?|np\.?|przykład|bijv\.?|voorbeeld|esim\.?|пример|напр\.?|örnek|例|예)(?:[\s:：(–-]|$)/iu

const placeholders =
  /^[<[{]{1,2}[^<>[\]{}]*\bcodes?\b[^<>[\]{}]*[>\]}]{1,2}$|\b(?:your|ihr|dein|votre|tu)[\s_-]?(?:unique[\s_-]?)?code\b/iu

const totals =
  /^(?:grand total|sub-?total|totals?|sum|summe|gesamt|count|anzahl|rows?|zeilen|somme|totale|suma|razem|итого|всего|合計|合计|总计|합계)(?:\s*[:=]\s*|\s+)[\d.,\s]+$/iu

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

/**
 * What people and systems call the column with the codes. No list of words is complete: if a name is not listed here
 * and its shape does not distinguish it from a code (see likeness.ts), the uploader is asked.
 */

/** Whether a text is a usual name of a column of codes, may be one, is as likely a code, or is no known name. */
export type NameKind = 'USUAL' | 'POSSIBLE' | 'DOUBTFUL' | 'UNKNOWN'

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/).map(folded))

/** The word for a code, in many languages. */
const codeWords = words(`
  code codes kod kode koder koden kods kodas kodai koodi koodit koda kody kodu kodlar kodları kód kódy kódok kódja
  código códigos codice codici codi codis codigo cod coduri codul
  код коды кода кодов кодове кодови кодът κωδικός κωδικοί
  コード 代码 代碼 编码 編碼 码 碼 券码 券碼 코드 קוד קודים كود أكواد رمز رموز คูปองโค้ด โค้ด รหัส कोड mã
`)

/** Words next to it, for the purpose or the nature of the code. */
const kindWords = words(`
  promo promos promotion promotions promotional promotie promotionele promoción promocional promocionales promoção
  promozione promozionale promocyjny promocyjne promocja promotionnel promotionnels promoțional promocijski
  coupon coupons voucher vouchers discount discounts gift gifts giftcard giftcards card cards redemption redeem referral
  unique access activation offer offers reward rewards invite invitation loyalty bonus sale deal
  rabatt rabatte rabat rabatowy rabatowe rabais gutschein gutscheine aktion aktions aktie actie vorteil vorteils geschenk
  geschenkkarten einlöse kampagne kampagnen kampanj kampanje korting kortings waardebon cadeau cadeaubon kado
  réduction réductions remise remises avantage descuento descuentos cupón cupones cupom cupons cupo desconto
  sconto sconti buono buoni zniżkowy zniżkowe kupon kuponu kupong kuponger kuponok kupón kupónu kuponkód slevový sleva
  zľavový alennus tarjous indirim hediye promosyon kampanya reducere kedvezmény popust εκπτωτικός έκπτωσης κουπονιού
  промо купон купона купонов скидки скидка промокод промокоды ваучер ваучера знижки
  クーポン プロモーション プロモ 割引 ギフト 優惠 优惠 优惠券 優惠券 折扣 促销 促銷 兑换 兌換 礼品卡 禮品卡 推广
  쿠폰 프로모션 할인 קופון הנחה مبادرة الخصم خصم كوبون القسيمة قسيمة ส่วนลด คูปอง giảm giá khuyến mãi
`)

/** Words that name the column on their own. */
const alone = words(`
  coupon coupons voucher vouchers gutscheine gutscheinnr cupones cupons kupony kuponger kuponlar κουπόνι κουπόνια
  промокод промокоды купоны ваучеры クーポン 优惠券 優惠券 优惠码 優惠碼 折扣码 折扣碼 兑换码 兌換碼 쿠폰 쿠폰번호 קופונים كوبونات รหัสส่วนลด รหัสคูปอง
`)

/** Words that on their own are as likely a code, or the name of another column. */
const aloneInDoubt = words(`
  gutschein cupón cupom kupon kupong kupón купон ваучер buono buoni bon ma cod codi
  name names title label key keys pin pins token tokens id ids number numbers nummer nummern numero numéro número numer
  número no nr num serial serials sn value values wert item items text string data entry column field spalte colonne columna
  navn namn naam nom nombre nome nazwa имя название номер значение 名前 名称 名稱 番号 号码 號碼 序列号 序列號 번호 이름 القيمة الاسم
`)

/** Purposes of codes. Such a word is as likely a code as the name of the column. */
const purposes = words(`
  promo promos promotion promotions promocode discount discounts offer offers reward rewards redemption referral
  invitation campaign campaigns rabatt rabatte rabat aktion aktionen kampagne kampagnen kampanj kampanje korting
  kortingen actie acties réduction réductions remise remises avantage descuento descuentos promoción desconto descontos
  promoção sconto sconti promozione promocja zniżka sleva alennus indirim kampanya reducere promoție kedvezmény popust
  промо скидка скидки акция знижка έκπτωση プロモーション 割引 折扣 優惠 优惠 促销 促銷 할인 프로모션 הנחה خصم
`)

const numberWords = words(
  'number numbers nummer nummern no nr num numero numéro número numer key keys pin token id номер 番号 号码 번호',
)

const between = words('de du des d da do di del della of the for von für per a la le el na')

const byLength = (list: Iterable<string>) => [...list].sort((a, b) => b.length - a.length)
// One or two words for the kind and the word for a code, written as one: Gutscheincode, couponcode, クーポンコード, promokod.
const compound = new RegExp(
  `^(?:${byLength(kindWords).join('|')}){1,2}(?:s?)(?:${byLength(codeWords).join('|')})$`,
  'u',
)
const endsWithCode = new RegExp(
  `^\\p{L}{2,}(?:${byLength([...codeWords].filter((word) => word.length > 2 || !/^\p{Script=Latin}/u.test(word))).join('|')})$`,
  'u',
)

// Zorgbon, Geschenkgutschein, Mitgliedervoucher.
const endsWithVoucher =
  /^\p{L}{3,}(?:bon|bonnen|bons|gutschein|gutscheine|coupon|coupons|voucher|vouchers|kupon|kupong|kuponger)$/u

// No known name is longer.
const maxKnownNameLength = 60

/** In lower case and without accents. */
function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ı', 'i').replaceAll('ł', 'l')
}

/** Removes the decoration of a name in templates: `Unique Code (*)`, `Codes:`, `Code(s)`, `* Code`, `Code [required]`. */
function withoutDecoration(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/^["']|["']$/g, '')
    .replace(/^[*#]{1,3}\s?(?=\p{L})/u, '')
    .replace(/(?<=\p{L})\s?(?:\([^()]{0,40}\)|\[[^[\]]{0,40}\])$/u, '')
    .replace(/(?<=[\p{L})])\s?[:*#：]{1,3}$/u, '')
    .replace(/(?<=\p{L})\s?\([^()]{0,40}\)$/u, '')
    .trim()
}

// Numbers and versions: codes_2024, code1, coupon-code-v2, Code (2) 3.
const counter = /[\s_\-./#(]{0,3}(?:v|no|nr|n[°º]|№|version|q)?[.\s]?\d{1,8}\)?$/iu
const maxCounters = 4

/** Removes brackets and lines around a text, and numbers at its ends. */
function withoutFrame(text: string): string {
  const plain = text.trim().replace(/\s+/g, ' ')
  const begun = plain.replace(/^[^\p{L}\p{N}]+/u, '').replace(/^\d{1,8}[\s_\-./]{1,3}/u, '')
  let core = begun.replace(begun === plain ? /[^\p{L}\p{N}]{2,}$/u : /[^\p{L}\p{N}]+$/u, '')
  for (let count = 0; count < maxCounters; count += 1) core = core.replace(counter, '')
  return core
}

/** Whether a text that is not a usual name still looks like the name of the column. */
function isDoubtful(text: string): boolean {
  if (text.length > maxKnownNameLength) return false
  const name = folded(withoutDecoration(text))
  if (purposes.has(name) || endsWithVoucher.test(name)) return true
  const core = withoutFrame(text)
  if (core === '' || core === text.trim()) return false
  if (!isUsualName(core))
    return kindOfKnown(core) === 'POSSIBLE' && partsOf(core).length > 1 && hasCodeWord(core)
  // COUPON10 is a code.
  return saysCode(core) || !text.trim().startsWith(core) || /[\s#_]/.test(text.trim().slice(core.length))
}

/** Whether `kindOfName` is USUAL, in less time. */
export function isUsualName(text: string): boolean {
  return kindOfKnown(text) === 'USUAL'
}

export function kindOfName(text: string): NameKind {
  const kind = kindOfKnown(text)
  return kind === 'UNKNOWN' && isDoubtful(text) ? 'DOUBTFUL' : kind
}

function kindOfKnown(text: string): Exclude<NameKind, 'DOUBTFUL'> {
  const plain = withoutDecoration(text)
  if (plain === '' || plain.length > maxKnownNameLength) return 'UNKNOWN'
  // couponCode
  const spaced = plain.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ')
  const parts = folded(spaced).split(/ {1,3}|[_\-./’']/u)
  // No name has a separator at an end, or two in a row.
  if (parts.some((part) => part === '') || parts.length > 6) return 'UNKNOWN'
  const [only] = parts
  if (parts.length === 1 && only !== undefined) {
    if (aloneInDoubt.has(only)) return 'POSSIBLE'
    if (codeWords.has(only) || alone.has(only) || compound.test(only)) return 'USUAL'
    return endsWithCode.test(only) ? 'POSSIBLE' : 'UNKNOWN'
  }
  const hasCode = parts.some((part) => codeWords.has(part) || compound.test(part))
  const known = (part: string) =>
    codeWords.has(part) || kindWords.has(part) || between.has(part) || compound.test(part)
  if (hasCode && parts.every(known) && !between.has(parts.at(-1) ?? '')) return 'USUAL'
  const areWords = parts.every((part) => /^\p{L}+$/u.test(part))
  if (!areWords) return 'UNKNOWN'
  const last = parts.at(-1) ?? ''
  return hasCode || numberWords.has(last) || numberWords.has(only ?? '') || endsWithCode.test(last)
    ? 'POSSIBLE'
    : 'UNKNOWN'
}

/** Whether a text is a usual name with a word for a code. Without one, as in "coupon", it may be a code. */
export function saysCode(text: string): boolean {
  return isUsualName(text) && hasCodeWord(text)
}

function hasCodeWord(text: string): boolean {
  return partsOf(text).some((part) => codeWords.has(part) || compound.test(part))
}

function partsOf(text: string): string[] {
  return folded(withoutDecoration(text).replace(/(?<=\p{Ll})(?=\p{Lu})/gu, ' ')).split(/[ _\-./’']+/u)
}

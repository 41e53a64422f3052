import type { ByteString } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'

interface Kind {
  /** It begins with one of these, and then `test` decides, if there is one. */
  begins?: readonly string[]
  test?: (start: ByteString) => boolean
  what: string
  advice: string
}

const fromExcel = 'In Excel choose "Save as", type "CSV UTF-8".'
const exportIt = 'Open it in the program that made it, and save or export it as "CSV UTF-8".'
const unpackIt =
  'Unpack it, and upload the file of codes that is in it. (Of packed files, only gzip is read as it is.)'
const asText = 'Upload a file that has one code a line, or CSV.'

const zip = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08']

/** What people take for a file of codes, known by how it begins. The first that fits counts. */
const kinds: readonly Kind[] = [
  {
    begins: zip,
    test: (start) => /\[Content_Types\]\.xml|_rels\/|xl\//.test(start),
    what: 'an Excel workbook',
    advice: fromExcel,
  },
  {
    begins: zip,
    test: (start) => start.includes('opendocument.spreadsheet'),
    what: 'a LibreOffice or OpenDocument spreadsheet',
    advice: 'In LibreOffice choose "Save as", type "Text CSV", character set UTF-8.',
  },
  {
    begins: zip,
    test: (start) => /Index\/|\.iwa/.test(start),
    what: 'a Numbers spreadsheet',
    advice: 'In Numbers choose "Export to", "CSV", encoding UTF-8.',
  },
  { begins: zip, what: 'a zip archive', advice: unpackIt },
  {
    begins: ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
    what: 'an old Excel workbook or another Office document',
    advice: fromExcel,
  },
  {
    begins: ['\x1f\x8b'],
    what: 'packed with gzip more than once',
    advice: 'Unpack it once, and upload what is in it.',
  },
  {
    begins: [
      ...Array.from({ length: 9 }, (_, level) => `BZh${level + 1}1AY&SY`),
      '\xfd7zXZ\0',
      "7z\xbc\xaf'\x1c",
      'Rar!\x1a\x07',
      '(\xb5/\xfd',
    ],
    what: 'packed with bzip2, xz, 7-Zip, RAR or Zstandard',
    advice: unpackIt,
  },
  { test: (start) => start.slice(257, 262) === 'ustar', what: 'a tar archive', advice: unpackIt },
  { begins: ['%PDF-'], what: 'a PDF', advice: exportIt },
  { begins: ['{\\rtf'], what: 'a document of a word processor', advice: asText },
  { begins: ['\x89PNG\r\n', '\xff\xd8\xff', 'GIF87a', 'GIF89a'], what: 'an image', advice: asText },
  {
    test: (start) => /^\s*<(?:!doctype html|html|head|body)[\s>]/i.test(start),
    what: 'a web page',
    advice: 'Perhaps one that asks to sign in was saved in place of the file. Download the file again.',
  },
  { test: (start) => /^\s*<\?xml\s/i.test(start), what: 'XML', advice: exportIt },
  { test: (start) => /^\s*(?:\{\s*"|\[\s*["{])/.test(start), what: 'JSON', advice: asText },
  {
    begins: ['\xff\xfe', '\xfe\xff', '\0\0\xfe\xff'],
    what: 'text in UTF-16 or UTF-32 (some programs say "Unicode")',
    advice: 'Save it as UTF-8: in Excel by the type "CSV UTF-8", in a text editor by the encoding.',
  },
  {
    test: isWide,
    what: 'text in UTF-16 (some programs say "Unicode")',
    advice: 'Save it as UTF-8: in Excel by the type "CSV UTF-8", in a text editor by the encoding.',
  },
  { test: isBinary, what: 'no text at all', advice: exportIt },
]

const sampleSize = 8_192

/** CodeFileError if a file that begins so is not text, or is text of another kind. */
export function checkKind(beginning: ByteString): void {
  const start = beginning.slice(0, sampleSize)
  const kind = kinds.find(
    ({ begins, test }) =>
      (begins?.some((bytes) => start.startsWith(bytes)) ?? true) && (test?.(start) ?? true),
  )
  if (kind)
    throw new CodeFileError(
      `The file cannot be read as CSV or as one code a line: it seems to be ${kind.what}. ${kind.advice}`,
    )
}

/** UTF-16 without a byte order mark, mostly of ASCII: nearly every other byte is NUL, and none of those between. */
function isWide(start: ByteString): boolean {
  const pairs = start.length >> 1
  const nuls: [even: number, odd: number] = [0, 0]
  for (let at = 0; at < 2 * pairs; at++) if (start.charCodeAt(at) === 0) nuls[at & 1 ? 1 : 0] += 1
  return pairs >= 2 && Math.min(...nuls) === 0 && Math.max(...nuls) >= pairs * 0.7
}

// Text has next to none, and what is not text has them everywhere: of bytes drawn at random they are one in nine. A few
// of them in a short text are a few bad rows.
const controls = /(?![\t-\r\x80-\x9f])\p{Cc}/gu
const maxControls = 7
const maxShare = 1 / 30

function isBinary(start: ByteString): boolean {
  const count = start.match(controls)?.length ?? 0
  return count > maxControls && count > start.length * maxShare
}

import type { ByteString } from './byte-string.ts'
import { CodeFileError } from './code-file-error.ts'

interface Kind {
  /** A file of this kind begins with one of these, and passes `test`. */
  begins?: readonly string[]
  test?: (start: ByteString) => boolean
  what: string
  advice: string
}

const fromExcel = 'In Excel choose "Save as", type "CSV UTF-8".'
const toUtf8 =
  'Save it as UTF-8: in Excel with the type "CSV UTF-8", in a text editor with the encoding UTF-8.'
const exportIt = 'Open it in the program that it comes from, and save or export it as "CSV UTF-8".'
const unpackIt =
  'Unpack it, and upload the file of codes in it. (The only packed files that can be uploaded are gzip files.)'
const asText = 'Upload a file with one code per line, or CSV.'

const zip = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08']

/** Files that people upload by mistake, recognised by their beginning. The first match counts. */
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
    advice: 'Unpack it once, and upload the result.',
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
  { begins: ['{\\rtf'], what: 'a word processor document', advice: asText },
  { begins: ['\x89PNG\r\n', '\xff\xd8\xff', 'GIF87a', 'GIF89a'], what: 'an image', advice: asText },
  {
    test: (start) => /^\s*<(?:!doctype html|html|head|body)[\s>]/i.test(start),
    what: 'a web page',
    advice: 'A sign-in page may have been saved instead of the file. Download the file again.',
  },
  { test: (start) => /^\s*<\?xml\s/i.test(start), what: 'XML', advice: exportIt },
  { test: (start) => /^\s*(?:\{\s*"|\[\s*["{])/.test(start), what: 'JSON', advice: asText },
  {
    begins: ['\xff\xfe', '\xfe\xff', '\0\0\xfe\xff'],
    what: 'text in UTF-16 or UTF-32 (which some programs call "Unicode")',
    advice: toUtf8,
  },
  {
    test: isWide,
    what: 'text in UTF-16 (which some programs call "Unicode")',
    advice: toUtf8,
  },
  { test: isBinary, what: 'not text', advice: exportIt },
]

const maxSampleBytes = 8_192

/** CodeFileError if a file with this beginning is not text, or is another kind of text. */
export function checkKind(beginning: ByteString): void {
  const start = beginning.slice(0, maxSampleBytes)
  const kind = kinds.find(
    ({ begins, test }) =>
      (begins?.some((bytes) => start.startsWith(bytes)) ?? true) && (test?.(start) ?? true),
  )
  if (kind)
    throw new CodeFileError(
      `The file cannot be read as CSV or as one code per line: it seems to be ${kind.what}. ${kind.advice}`,
    )
}

/** Whether it is UTF-16 without a byte order mark, mostly of ASCII: nearly every other byte is NUL, none in between. */
function isWide(start: ByteString): boolean {
  const pairs = start.length >> 1
  const nuls: [even: number, odd: number] = [0, 0]
  for (let at = 0; at < 2 * pairs; at++) if (start.charCodeAt(at) === 0) nuls[at & 1 ? 1 : 0] += 1
  return pairs >= 2 && Math.min(...nuls) === 0 && Math.max(...nuls) >= pairs * 0.7
}

// Text has almost no control characters; one in nine random bytes is one. A few in a short text only spoil a few rows.
const controls = /(?![\t-\r\x80-\x9f])\p{Cc}/gu
const maxControls = 7
const maxShare = 1 / 30

function isBinary(start: ByteString): boolean {
  const count = start.match(controls)?.length ?? 0
  return count > maxControls && count > start.length * maxShare
}

import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CodeFileError } from '../../src/codefile/code-file-error.ts'
import { codesOf, readAll } from '../support/code-file.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const withZipHeader = (names: string) => latin1(`PK\x03\x04\x14\0\x06\0\b\0\0\0!\0${names}\x8d\x92\x01`)

/** A block of a tar archive. */
function tarHeader(): Buffer {
  const block = Buffer.alloc(512)
  block.write('codes.csv', 0)
  block.write('ustar', 257)
  return block
}

describe('a file that is not CSV is recognised by its beginning, and the error says what to do', () => {
  it.each<[what: string, advice: string, bytes: Buffer]>([
    ['an Excel workbook', 'type "CSV UTF-8"', withZipHeader('[Content_Types].xml')],
    [
      'a LibreOffice or OpenDocument',
      '"Text CSV"',
      withZipHeader('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'),
    ],
    ['a Numbers spreadsheet', '"Export to"', withZipHeader('Index/Document.iwa')],
    ['a zip archive', 'Unpack it', withZipHeader('codes.csv')],
    ['an old Excel workbook', 'type "CSV UTF-8"', latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0')],
    ['packed with bzip2', 'Unpack it', latin1('BZh91AY&SY\x94')],
    ['packed with bzip2, xz', 'Unpack it', latin1('\xfd7zXZ\0\0\x04')],
    ['packed with bzip2, xz, 7-Zip', 'Unpack it', latin1("7z\xbc\xaf'\x1c\0\x04")],
    ['7-Zip, RAR', 'Unpack it', latin1('Rar!\x1a\x07\x01\0')],
    ['Zstandard', 'Unpack it', latin1('(\xb5/\xfd\x04')],
    ['a tar archive', 'Unpack it', tarHeader()],
    ['packed with gzip more than once', 'Unpack it once', gzipSync(gzipSync('A1\n'))],
    ['a PDF', 'export it as', latin1('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')],
    ['a word processor document', 'one code per line', latin1('{\\rtf1\\ansi A1}')],
    ['an image', 'one code per line', latin1('\x89PNG\r\n\x1a\n\0\0')],
    ['a web page', 'Download the file again', latin1('\n<!DOCTYPE html>\n<html><title>Sign in</title>')],
    ['XML', 'export it as', latin1('<?xml version="1.0"?>\n<codes/>')],
    ['JSON', 'one code per line', latin1('[\n  { "code": "A1" }\n]')],
    ['JSON', 'one code per line', latin1('{"codes":["A1"]}')],
    ['text in UTF-16', 'CSV UTF-8', Buffer.from('\ufeffcode\nA1\n', 'utf16le')],
    ['text in UTF-16', 'CSV UTF-8', Buffer.from('\ufeffcode\nA1\n', 'utf16le').swap16()],
    ['text in UTF-16', 'CSV UTF-8', Buffer.from('code\nÄ1\n', 'utf16le')],
    ['text in UTF-16', 'CSV UTF-8', Buffer.from('code\nA1\n', 'utf16le').swap16()],
    ['not text', 'save or export it', randomBytes(100_000)],
    ['not text', 'save or export it', Buffer.alloc(1_000)],
  ])('%s', async (what, advice, bytes) => {
    for (const file of [bytes, gzipSync(bytes)]) {
      const error: unknown = await readAll(file, { column: 'code' }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CodeFileError)
      expect(String(error)).toContain('it seems to be ')
      expect(String(error)).toContain(what)
      expect(String(error)).toContain(advice)
    }
  })

  it.each(['PK-1', 'PAR1', 'BZh9', '%PDF', '{A1}', '[B2]', '<C3>', 'GIF8', 'MZ', 'II*', 'ustar', '7z', '#!'])(
    'a code that begins almost like one is a code: %s',
    async (code) => {
      expect(await codesOf(`${code}\nA1\n`, { header: false })).toEqual([code, 'A1'])
    },
  )

  it('a few control characters in a short file are a few bad rows', async () => {
    const { rows, rejected } = await readAll('A1\n\0\0\0\nB\x012\nC3\n\x1a')
    expect(rows.map(({ code }) => code)).toEqual(['A1', 'C3'])
    expect(rejected.map(({ number }) => number)).toEqual([2, 3, 5])
  })

  it('a file in another eight-bit encoding is text, and its rows are rejected one by one', async () => {
    const cyrillic = Buffer.from([0xc0, 0xc1, 0xc2, 0x0a].flatMap((byte) => Array(3).fill(byte)))
    const { rejected } = await readAll(Buffer.concat([Buffer.from('A1\n'), cyrillic]))
    expect(rejected.map(({ number }) => number)).toEqual([2])
  })
})

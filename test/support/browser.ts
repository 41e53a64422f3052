import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { inject } from 'vitest'
import { Lazy } from '../../src/async/lazy.ts'
import { chromiumFolder } from './chromium.ts'

export interface PageOptions {
  scheme?: 'light' | 'dark'
  /** Of the window, in CSS pixels; 1,400 by 900 by default. */
  width?: number
  height?: number
  /** Of the browser; that of the machine by default. */
  timeZone?: string
  /**
   * Whether it is in a profile of its own: for a test that needs an empty cache, whose address is gone when it has finished, or
   * that changes what would outlast it, such as the clock, the scripts of every page and how WebSockets are routed.
   */
  ownProfile?: boolean
}

/** A page in the browser, empty at first, and its profile. Relative addresses are those of the server that it is for. */
export interface OpenedPage {
  page: Page
  context: BrowserContext
  close(): Promise<void>
}

/**
 * Opens a page for the server at this address, in the browser that all test files of this process share. Tests use one page and
 * its profile in turn as long as they have the same server, which must have something at /health: a page that has loaded
 * something before loads it again in half of the time.
 */
export async function openPage(url: string, options: PageOptions = {}): Promise<OpenedPage> {
  const { ownProfile = false, scheme = 'light', width = 1_400, height = 900, timeZone } = options
  const wanted = { url, timeZone, colorScheme: scheme, size: { width, height } }
  const profile = (!ownProfile && (await profiles.take(wanted))) || (await newProfile(wanted))
  const { page, context } = profile
  return { page, context, close: () => (ownProfile ? context.close() : profiles.giveBack(profile)) }
}

/**
 * Gives the window of a page this size. The page is laid out and used as in any such window, but drawn at a fraction of its size:
 * nobody looks at it, and drawing takes a fifth of the browser's time. Where screenshots are wanted, it is drawn in full.
 */
export async function resize(page: Page, size: WindowSize): Promise<void> {
  await page.setViewportSize(size)
  if (process.env['SCREENSHOTS'] !== undefined) return
  const { width, height } = size
  const session = sessions.get(page) ?? (await page.context().newCDPSession(page))
  sessions.set(page, session)
  // What setViewportSize sends, and the scale of the drawing.
  await session.send('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    screenWidth: width,
    screenHeight: height,
    deviceScaleFactor: 1,
    mobile: false,
    viewport: { x: 0, y: 0, width, height, scale: 0.05 },
  })
}

const sessions = new WeakMap<Page, CDPSession>()

// Starting it takes a second. It ends with the process.
const browser = new Lazy(() => startBrowser(join(inject('browserFolder'), `${process.pid}`)))

/** In CSS pixels. */
interface WindowSize {
  readonly width: number
  readonly height: number
}

/** What a test wants of a profile. */
interface WantedProfile {
  readonly url: string
  readonly timeZone: string | undefined
  readonly colorScheme: 'light' | 'dark'
  readonly size: WindowSize
}

interface Profile extends Pick<WantedProfile, 'url' | 'timeZone'> {
  readonly context: BrowserContext
  readonly page: Page
}

async function newProfile({ url, timeZone, colorScheme, size }: WantedProfile): Promise<Profile> {
  const context = await (await browser.get()).newContext({
    baseURL: url,
    colorScheme,
    viewport: size,
    locale: 'en-US',
    ...(timeZone !== undefined && { timezoneId: timeZone }),
    // Colours that are still changing would have the wrong contrast.
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await resize(page, size)
  return { url, timeZone, context, page }
}

/** The profile that tests use in turn, while it is not in use. */
class Profiles {
  #idle: Profile | undefined

  /** Resolves to nothing if there is none like this; one for another server is closed. */
  async take({ url, timeZone, colorScheme, size }: WantedProfile): Promise<Profile | undefined> {
    const idle = this.#idle
    this.#idle = undefined
    if (idle?.url !== url || idle.timeZone !== timeZone) {
      await idle?.context.close()
      return undefined
    }
    await idle.page.emulateMedia({ colorScheme })
    await resize(idle.page, size)
    return idle
  }

  /** Leaves nothing in it of the test that has finished. */
  async giveBack(profile: Profile): Promise<void> {
    const { context, page } = profile
    // Among them may be one that keeps the page from being left.
    page.removeAllListeners()
    for (const routing of [context, page]) await routing.unrouteAll({ behavior: 'ignoreErrors' })
    for (const other of context.pages()) if (other !== page) await other.close()
    // From about:blank, it would begin in a new process, with nothing in memory.
    await page.goto('/health')
    await page.evaluate('localStorage.clear(); sessionStorage.clear()')
    // Where it was, it would be over something of the next page.
    await page.mouse.move(-1, -1)
    await context.clearCookies()
    await context.clearPermissions()
    await this.#idle?.context.close()
    this.#idle = profile
  }
}

const profiles = new Profiles()

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

import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { findAccessibilityProblems } from './accessibility.ts'
import { withScopes } from './api.ts'
import { testBrowser } from './browser.ts'
import { Client } from './client.ts'
import type { TestService } from './service.ts'

export interface ConsoleOptions {
  /** The address of the first screen; "/" by default: the pools. */
  path?: string
  /** What the key of the session may do; everything by default. With none, nobody is signed in. */
  scopes?: readonly string[]
  scheme?: 'light' | 'dark'
  /** Of the window, in CSS pixels; 1,400 by 900 by default. */
  width?: number
  height?: number
  /** Of the browser; that of the machine by default. */
  timeZone?: string
  /** Messages of the browser that the test brings about, such as those of a connection that it cuts. */
  tolerated?: readonly RegExp[]
}

/** The console in a browser. */
export interface OpenedConsole {
  page: Page
  /** The browser's profile: pages that are opened in it share the session. */
  context: BrowserContext
}

/**
 * Opens the console of a service in the real browser, signed in as a person would be. When the test has finished, it is closed,
 * and the test fails if the browser has reported an error, a warning or a violation of the page's policy, or if anything was
 * requested from another origin.
 */
export async function openConsole(
  service: TestService,
  options: ConsoleOptions = {},
): Promise<OpenedConsole> {
  const {
    path = '/',
    scopes,
    scheme = 'light',
    width = 1_400,
    height = 900,
    timeZone,
    tolerated = [],
  } = options
  const browser = await testBrowser()
  const context = await browser.newContext({
    baseURL: service.url,
    colorScheme: scheme,
    viewport: { width, height },
    locale: 'en-US',
    ...(timeZone !== undefined && { timezoneId: timeZone }),
    // Colours that are still changing would have the wrong contrast.
    reducedMotion: 'reduce',
  })
  const complaints = listen(context, new URL(service.url).host)
  onTestFinished(async () => {
    await context.close()
    const unexpected = complaints.filter((complaint) => !tolerated.some((pattern) => pattern.test(complaint)))
    expect(unexpected, 'what the browser complained about').toEqual([])
  })
  if (scopes?.length !== 0) await signIn(context, service, scopes)
  const page = await context.newPage()
  await page.goto(path)
  return { page, context }
}

/** Fails if axe finds any accessibility problem on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  const problems = await findAccessibilityProblems(page)
  expect(
    problems.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    ),
    `accessibility problems at ${new URL(page.url()).pathname}`,
  ).toEqual([])
}

/** Saves a screenshot of the whole page in the folder that the variable SCREENSHOTS names, if it is set. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/** What the browser complains about from now on, and what its pages request from other origins. */
function listen(context: BrowserContext, host: string): string[] {
  const complaints: string[] = []
  const requested = (url: string) => {
    const { protocol, host: other } = new URL(url)
    if (/^(http|ws)s?:$/.test(protocol) && other !== host) complaints.push(`requested ${url}`)
  }
  context.on('request', (request) => requested(request.url()))
  context.on('weberror', (error) => complaints.push(`uncaught ${error.error()}`))
  // Also reports violations of the Content-Security-Policy.
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`)
  })
  context.on('page', (page) => page.on('websocket', (socket) => requested(socket.url())))
  return complaints
}

/** Gives the browser a session of a key with these scopes; of the first key, with all scopes, if they are not given. */
async function signIn(
  context: BrowserContext,
  service: TestService,
  scopes: readonly string[] | undefined,
): Promise<void> {
  const first = new Client(service)
  const client = scopes === undefined ? first : await withScopes(service, first, scopes)
  const answer = await context.request.post('/session', {
    headers: { ...client.authorization(), origin: service.url },
  })
  expect(answer.status(), await answer.text()).toBe(204)
}

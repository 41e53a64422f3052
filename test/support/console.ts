import { join } from 'node:path'
import type { BrowserContext, ConsoleMessage, Page, WebError } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { colorRules, findAccessibilityProblems } from './accessibility.ts'
import { withScopes } from './api.ts'
import { openPage, type PageOptions, resize } from './browser.ts'
import { Client } from './client.ts'
import type { TestService } from './service.ts'

export interface ConsoleOptions extends PageOptions {
  /** The address of the first screen; "/" by default: the pools. */
  path?: string
  /** What the key of the session may do; everything by default. With none, nobody is signed in. */
  scopes?: readonly string[]
  /** Messages of the browser that the test brings about, such as those of a connection that it cuts. */
  tolerated?: readonly RegExp[]
}

/** Messages of the browser about connections that a test cuts: to load something over one fails in several ways. */
export const cutConnections: readonly RegExp[] = [/WebSocket|net::ERR_(CONNECTION|EMPTY_RESPONSE|SOCKET)/]

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
  const { path = '/', scopes, tolerated = [] } = options
  const opened = await openPage(service.url, options)
  const { page, context } = opened
  const complaints = new Complaints(context, new URL(service.url).host)
  onTestFinished(async () => {
    await opened.close()
    complaints.stop()
    const unexpected = complaints.all.filter(
      (complaint) => !tolerated.some((pattern) => pattern.test(complaint)),
    )
    expect(unexpected, 'what the browser complained about').toEqual([])
  })
  if (scopes?.length !== 0) await signIn(context, service, scopes)
  await page.goto(path)
  return { page, context }
}

/** Goes to another address without loading the page again, as its links do; ends when its screen has replaced the one before. */
export async function goTo(page: Page, address: string): Promise<void> {
  await page.evaluate((address) => {
    // With a place in the history as the router's own entries have, so that it knows how far it is moved.
    history.pushState({ idx: Number(history.state?.idx ?? 0) + 1 }, '', address)
    dispatchEvent(new PopStateEvent('popstate'))
  }, address)
  // The link that skips the navigation leads into the screen that is shown. Only now do texts tell of the new one: the one before
  // may have had them too.
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLAnchorElement>('a[href$="#content"]')].every(
      ({ pathname }) => pathname === location.pathname,
    ),
  )
}

/** Fails if axe finds any accessibility problem on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  const problems = await accessibilityProblems(page)
  expect(problems, `accessibility problems at ${new URL(page.url()).pathname}`).toEqual([])
}

/** What axe finds on the page as it is now, by all rules or by these, as texts. */
export async function accessibilityProblems(page: Page, rules?: readonly string[]): Promise<string[]> {
  return (await findAccessibilityProblems(page, rules)).flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}

/** How a page looks: its colors, and the width of its window. */
export interface Look {
  readonly scheme: 'light' | 'dark'
  readonly width: number
}

/**
 * On a phone, a tablet and a large screen, in light and dark colors: one change at a time, as each has the page drawn anew. The
 * last is what pages are opened in.
 */
const looks: readonly Look[] = [
  { width: 390, scheme: 'dark' },
  { width: 390, scheme: 'light' },
  { width: 900, scheme: 'light' },
  { width: 900, scheme: 'dark' },
  { width: 1_400, scheme: 'dark' },
  { width: 1_400, scheme: 'light' },
]

/**
 * What makes the page, as it is now, scroll sideways, and what else a test finds wrong with it, in any look; each is in
 * a screenshot of this name.
 */
export async function faultsInAllLooks(
  page: Page,
  name: string,
  find: (look: Look) => Promise<string[]>,
): Promise<string[]> {
  const faults: string[] = []
  for (const look of looks) {
    const { scheme, width } = look
    await page.emulateMedia({ colorScheme: scheme })
    await resize(page, { width, height: 900 })
    const needed = await neededWidth(page)
    const found = await find(look)
    if (needed > width) found.push(`${needed} pixels wide`)
    faults.push(...found.map((fault) => `${name}, ${width} pixels, ${scheme}: ${fault}`))
    await takeScreenshot(page, `${name}-${width}-${scheme}`)
  }
  return faults
}

/** Fails if the page as it is now has an accessibility problem or scrolls sideways in any look. */
export async function expectUsableInAllLooks(page: Page, name: string): Promise<void> {
  const faults = await faultsInAllLooks(page, name, async ({ scheme }) =>
    // The page differs in dark colors by nothing else.
    accessibilityProblems(page, scheme === 'light' ? undefined : colorRules),
  )
  expect(faults).toEqual([])
}

/** Saves a screenshot of the whole page in the folder that the variable SCREENSHOTS names, if it is set. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

/** How wide the page is, once it has been laid out anew: more than the window if it does not fit. */
async function neededWidth(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const { documentElement: html } = document
    // Charts and menus follow the width of the window with some frames' delay.
    for (let i = 0; i < 3 || (i < 60 && html.scrollWidth > innerWidth); i++) await frame()
    const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations === 1)
    await Promise.allSettled(moving.map(({ finished }) => finished))
    return html.scrollWidth
  })
}

/** What the browser complains about in a profile, and what its pages request from other origins, until it is stopped. */
class Complaints {
  readonly all: string[] = []
  readonly #context: BrowserContext
  readonly #host: string

  constructor(context: BrowserContext, host: string) {
    this.#context = context
    this.#host = host
    context.on('request', this.#request).on('weberror', this.#error).on('console', this.#message)
    context.on('page', this.#page)
    for (const page of context.pages()) this.#page(page)
  }

  stop(): void {
    const context = this.#context
    context.off('request', this.#request).off('weberror', this.#error).off('console', this.#message)
    context.off('page', this.#page)
    for (const page of context.pages()) page.off('websocket', this.#request)
  }

  readonly #request = (request: { url(): string }) => {
    const { protocol, host } = new URL(request.url())
    if (/^(http|ws)s?:$/.test(protocol) && host !== this.#host) this.all.push(`requested ${request.url()}`)
  }

  readonly #error = (error: WebError) => {
    this.all.push(`uncaught ${error.error()}`)
  }

  // Also reports violations of the Content-Security-Policy.
  readonly #message = (message: ConsoleMessage) => {
    if (['error', 'warning'].includes(message.type())) this.all.push(`${message.type()}: ${message.text()}`)
  }

  readonly #page = (page: Page) => {
    page.on('websocket', this.#request)
  }
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

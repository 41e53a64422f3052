import { expect, test } from 'vitest'
import { newPool, stranger } from '../support/api.ts'
import { openConsole, takeScreenshot } from '../support/console.ts'
import { useService } from '../support/service.ts'

const service = useService()

test.each(['light', 'dark'] as const)(
  'shows that the console is loading while it does, in %s colors',
  async (scheme) => {
    const { page } = await openConsole(service, { path: '/health', scheme, ownProfile: true })
    const held = Promise.withResolvers<void>()
    await page.route('**/console/index-*', async (route) => {
      await held.promise
      await route.fallback()
    })
    await page.goto('/', { waitUntil: 'commit' })
    const loading = page.getByRole('img', { name: 'Loading', exact: true })
    await loading.waitFor()
    // It is painted, and not white on white or black on black.
    await expect
      .poll(() => page.evaluate("performance.getEntriesByName('first-contentful-paint').length"))
      .toBe(1)
    const [color, canvas] = await page.evaluate(() => [
      getComputedStyle(document.body).color,
      matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(255, 255, 255)' : 'rgb(0, 0, 0)',
    ])
    expect(color).toBe(canvas)
    await takeScreenshot(page, `loading-${scheme}`)
    held.resolve()
    await page.getByRole('heading', { name: 'Create your first pool' }).waitFor()
    expect(await loading.count()).toBe(0)
    // The console's own colors win over those of the stylesheet, whenever that comes.
    const primary = 'getComputedStyle(document.documentElement).getPropertyValue("--mantine-primary-color-6")'
    expect(await page.evaluate(primary)).toBe('#4c6ef5')
  },
)

test('shows what happens while the console is loaded', async () => {
  await using newcomer = await stranger(service)
  const { page } = await openConsole({ ...service, key: newcomer.key }, { path: '/health' })
  const order: string[] = []
  const held = Promise.withResolvers<void>()
  await page.route('**/graphql', async (route) => {
    const document = route.request().postData() ?? ''
    if (document.includes('query Place')) {
      await held.promise
      order.push('the place of the events')
    }
    if (document.includes('query Pools')) order.push('the pools')
    await route.fallback()
  })
  const viewer = page.waitForResponse(
    (answer) => answer.request().postData()?.includes('query Viewer') === true,
  )
  await page.goto('/')
  await viewer
  await newPool(newcomer, 'Created meanwhile')
  held.resolve()
  await page.getByRole('link', { name: 'Created meanwhile' }).waitFor()
  // The other way round, what happens in between would be missed.
  expect(order.slice(0, 2)).toEqual(['the place of the events', 'the pools'])
})

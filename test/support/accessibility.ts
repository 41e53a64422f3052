import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

/** An accessibility problem that axe-core finds. */
export interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[]
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The accessibility problems of a page. */
export async function findAccessibilityProblems(page: Page): Promise<Finding[]> {
  // It stays until the page is loaded again. To read it takes as long as a small page takes to be checked.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await axe)
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: { resultTypes: string[] }): Promise<{ violations: Finding[] }> }
    }
    // Of all others, it describes only one element for each rule.
    return (await axe.run({ resultTypes: ['violations'] })).violations
  })
}

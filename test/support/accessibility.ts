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

/**
 * The rules whose outcome depends on colors: of all checks and filters in the sources of axe-core, only those of these two ask
 * for any. All others depend on the document and on what of it is shown, which may differ where the window is wider.
 */
export const colorRules: readonly string[] = ['color-contrast', 'link-in-text-block']

/** The accessibility problems of a page: all, or those that these rules find. */
export async function findAccessibilityProblems(page: Page, rules?: readonly string[]): Promise<Finding[]> {
  // It stays until the page is loaded again. To read it takes as long as a small page takes to be checked.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await axe)
  return await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: {
          resultTypes: string[]
          runOnly?: readonly string[]
        }): Promise<{ violations: Finding[] }>
      }
    }
    // Of all others, it describes only one element for each rule.
    const resultTypes = ['violations']
    return (await axe.run({ resultTypes, ...(runOnly !== undefined && { runOnly }) })).violations
  }, rules)
}

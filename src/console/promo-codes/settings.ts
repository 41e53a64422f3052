import { type FragmentOf, graphql } from '../api/graphql.ts'
import { FormatDetails } from '../formats/format-details.ts'
import { count, readCount } from '../intl.ts'

/** The Promo Codes section of a pool as it is saved. */
export const SavedSettings = graphql(
  `
    fragment SavedSettings on Pool {
      id
      replenishment {
        method
        autoGenerate
        quantity
        refillThreshold
        format {
          ...FormatDetails
        }
      }
    }
  `,
  [FormatDetails],
)

export type Settings = FragmentOf<typeof SavedSettings>['replenishment']

/** The fields of the section. Counts are texts as somebody types them. */
export interface SettingsValues extends Record<string, unknown> {
  method: Settings['method']
  formatId: string | null
  quantity: string
  autoGenerate: boolean
  refillThreshold: string
}

/** The form's fields for the paths of the API's inputs, where they differ. */
export const settingsFields = {
  'saveSettings.autoGenerate': 'autoGenerate',
  'saveSettings.refillThreshold': 'refillThreshold',
}

export function settingsValuesOf({
  method,
  format,
  quantity,
  autoGenerate,
  refillThreshold,
}: Settings): SettingsValues {
  return {
    method,
    formatId: format?.id ?? null,
    quantity: quantity === null ? '' : count(quantity),
    autoGenerate,
    refillThreshold: count(refillThreshold),
  }
}

export function areSame(a: SettingsValues, b: SettingsValues): boolean {
  const countOf = (typed: string) => readCount(typed) ?? typed
  return (
    a.method === b.method &&
    a.formatId === b.formatId &&
    a.autoGenerate === b.autoGenerate &&
    countOf(a.quantity) === countOf(b.quantity) &&
    countOf(a.refillThreshold) === countOf(b.refillThreshold)
  )
}

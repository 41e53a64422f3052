import { useForm } from '@mantine/form'
import { text } from '../text.ts'
import { type Beginning, columnsOf } from './beginning-table.tsx'
import type { ReadingSettings } from './send-file.ts'
import type { UploadTask } from './upload-task.ts'

export type Layout = NonNullable<NonNullable<UploadTask['upload']>['layout']>
export type ReadingChoice = ReturnType<typeof useReadingChoice>

export const decide = 'decide'
const noColumn = ''

/**
 * How a person wants a file of these rows to be read, at first as it was.
 *
 * @param layout how it was read; null if it could not be told
 */
export function useReadingChoice({
  settings,
  layout,
  rows,
  check,
}: {
  settings: ReadingSettings
  layout: Layout | null
  rows: Beginning['rows']
  check: (settings: ReadingSettings) => void
}) {
  /** Where the service could not tell, it cannot be left to decide. Most tables have a header. */
  const mustSay = layout === null && columnsOf(rows) > 1
  const form = useForm({
    initialValues: {
      header: settings.header === undefined ? (mustSay ? 'true' : decide) : String(settings.header),
      column: settings.column ?? (mustSay ? noColumn : decide),
      caseSensitive: settings.caseSensitive,
    },
    validate: {
      column: (column) => (column === noColumn ? text.uploads.settings.noColumn : null),
    },
  })
  const { header, column } = form.values
  const submit = form.onSubmit(({ header, column, caseSensitive }) => {
    // A column is given by its number, which the service accepts only together with this.
    const wasHeader = layout === null || column === decide ? undefined : layout.headerRow !== null
    const isHeader = header === decide ? wasHeader : header === 'true'
    check({
      caseSensitive,
      ...(isHeader !== undefined && { header: isHeader }),
      ...(column !== decide && { column }),
    })
  })
  return {
    form,
    mustSay,
    submit,
    isChanged: form.isDirty(),
    /** What the choice makes the column of the codes and the header. */
    shown: {
      columnNumber: column === decide || column === noColumn ? layout?.columnNumber : Number(column),
      headerRow:
        header === 'false'
          ? undefined
          : (layout?.headerRow ?? (header === 'true' ? rows[0]?.number : undefined)),
    },
    chooseColumn: (number: number) => form.setFieldValue('column', String(number)),
  }
}

import { Button, Group, Radio, Select, Stack, Switch } from '@mantine/core'
import { useForm } from '@mantine/form'
import { text } from '../text.ts'
import { type Beginning, columnsOf } from './beginning-table.tsx'
import type { ReadingSettings } from './send-file.ts'

const words = text.uploads.settings
const decide = 'decide'

/**
 * Asks how a file is to be read: whether it has a header, and which column has the codes.
 *
 * @param hasHeader what the file was taken for, if that is known
 */
export function ReadingForm({
  settings,
  rows,
  hasHeader,
  onCheck,
}: {
  settings: ReadingSettings
  rows: Beginning['rows']
  hasHeader?: boolean
  onCheck: (settings: ReadingSettings) => void
}) {
  const form = useForm({
    initialValues: {
      header: settings.header === undefined ? decide : String(settings.header),
      column: settings.column ?? decide,
      caseSensitive: settings.caseSensitive,
    },
    validate: {
      header: (header, { column }) =>
        header === decide && column !== decide && hasHeader === undefined ? words.sayHeader : null,
    },
  })
  const submit = form.onSubmit(({ header, column, caseSensitive }) => {
    // A column is given by its number, which the service accepts only together with this.
    const isHeader = header !== decide ? header === 'true' : column !== decide ? hasHeader : undefined
    onCheck({
      caseSensitive,
      ...(isHeader !== undefined && { header: isHeader }),
      ...(column !== decide && { column }),
    })
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <Radio.Group label={words.header} {...form.getInputProps('header')}>
          <Group gap="md" mt={4}>
            <Radio label={words.headerDecide} value={decide} />
            <Radio label={words.headerYes} value="true" />
            <Radio label={words.headerNo} value="false" />
          </Group>
        </Radio.Group>
        {columnsOf(rows) > 1 && (
          <Select
            allowDeselect={false}
            data={[{ value: decide, label: words.columnDecide }, ...columnOptions(rows)]}
            label={words.column}
            maw={420}
            {...form.getInputProps('column')}
          />
        )}
        <Switch
          description={words.caseSensitiveHint}
          label={words.caseSensitive}
          {...form.getInputProps('caseSensitive', { type: 'checkbox' })}
        />
        <Group>
          <Button type="submit" variant="default">
            {words.checkAgain}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Each column by its number, with what it has in the first rows. */
function columnOptions(rows: Beginning['rows']): { value: string; label: string }[] {
  return Array.from({ length: columnsOf(rows) }, (_, i) => {
    const cells = rows.map(({ cells }) => cells[i] ?? '').filter((cell) => cell !== '')
    return {
      value: String(i + 1),
      label: [text.uploads.column(i + 1), cells.slice(0, 3).join(', ')].join(': '),
    }
  })
}

import { Button, Group, Radio, Select, Stack, Switch } from '@mantine/core'
import { text } from '../text.ts'
import { type Beginning, columnsOf } from './beginning-table.tsx'
import { decide, type ReadingChoice } from './use-reading-choice.ts'

const words = text.uploads.settings

/** Asks how a file is to be read: which column has the codes, and whether the first row is a header. */
export function ReadingForm({
  choice: { form, mustSay, submit },
  rows,
}: {
  choice: ReadingChoice
  rows: Beginning['rows']
}) {
  return (
    <form onSubmit={submit}>
      <Stack>
        {columnsOf(rows) > 1 && (
          <Select
            allowDeselect={false}
            data={[
              ...(mustSay ? [] : [{ value: decide, label: words.columnDecide }]),
              ...columnOptions(rows),
            ]}
            label={words.column}
            maw={420}
            placeholder={words.pickColumn}
            {...form.getInputProps('column')}
          />
        )}
        <Radio.Group label={words.header} {...form.getInputProps('header')}>
          <Group gap="md" mt={4}>
            {!mustSay && <Radio label={words.headerDecide} value={decide} />}
            <Radio label={words.headerYes} value="true" />
            <Radio label={words.headerNo} value="false" />
          </Group>
        </Radio.Group>
        <Switch
          description={words.caseSensitiveHint}
          label={words.caseSensitive}
          {...form.getInputProps('caseSensitive', { type: 'checkbox' })}
        />
        <Group>
          <Button type="submit" variant={mustSay ? 'filled' : 'default'}>
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

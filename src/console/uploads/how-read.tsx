import { Button, Code, Collapse, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { text } from '../text.ts'
import { type Beginning, BeginningTable, columnsOf } from './beginning-table.tsx'
import { ReadingForm } from './reading-form.tsx'
import type { ReadingSettings } from './send-file.ts'
import type { UploadTask } from './upload-task.ts'
import type { Layout, ReadingChoice } from './use-reading-choice.ts'

/** What the service took for the header and for the codes of a file, and the way to have it read differently. */
export function HowRead({
  task,
  beginning: { rows, codes },
  settings,
  choice,
  onCheck,
}: {
  task: UploadTask
  beginning: Beginning
  settings: ReadingSettings
  choice: ReadingChoice
  onCheck: (settings: ReadingSettings) => void
}) {
  const layout = task.upload?.layout ?? null
  const isUnread = task.status === 'FAILED'
  const isHeaderUnclear = task.failure?.code === 'HEADER_UNCLEAR' && columnsOf(rows) === 1
  const [isOpen, { toggle, open }] = useDisclosure(isUnread && !isHeaderUnclear)
  const choose = (columnNumber: number) => {
    choice.chooseColumn(columnNumber)
    open()
  }
  const form = <ReadingForm choice={choice} rows={rows} />
  return (
    <Paper p="md" withBorder>
      <Stack>
        <div>
          <Title order={3} size="h5">
            {isHeaderUnclear
              ? text.uploads.unclear
              : choice.mustSay
                ? text.uploads.whichColumn
                : isUnread
                  ? text.uploads.beginning
                  : text.uploads.howRead}
          </Title>
          <Text mt={4} size="sm">
            {isHeaderUnclear
              ? text.uploads.unclearHint
              : choice.mustSay
                ? text.uploads.whichColumnHint
                : isUnread && text.uploads.sayHow}
            {layout !== null && ` ${wordsFor(layout)}`}
          </Text>
        </div>
        <BeginningTable {...choice.shown} onChoose={choose} rows={rows} />
        {isHeaderUnclear && <HeaderOrCode onCheck={onCheck} rows={rows} settings={settings} />}
        {!isHeaderUnclear && codes.length > 0 && (
          <Text component="div" size="sm">
            {text.uploads.firstCodes}:{' '}
            <Group component="span" display="inline-flex" gap={6}>
              {codes.map((code, i) => (
                // Codes of a file may be the same.
                // biome-ignore lint/suspicious/noArrayIndexKey: they never change their order
                <Code key={i} style={{ overflowWrap: 'anywhere' }}>
                  {code}
                </Code>
              ))}
            </Group>
          </Text>
        )}
        {choice.mustSay ? (
          form
        ) : (
          <div>
            <Button aria-expanded={isOpen} onClick={toggle} px={0} size="compact-sm" variant="transparent">
              {text.uploads.notRight}
            </Button>
            <Collapse expanded={isOpen}>
              <div style={{ paddingTop: 12 }}>{form}</div>
            </Collapse>
          </div>
        )}
      </Stack>
    </Paper>
  )
}

/** The two answers to whether the first row is a header. */
function HeaderOrCode({
  rows: [first],
  settings,
  onCheck,
}: {
  rows: Beginning['rows']
  settings: ReadingSettings
  onCheck: (settings: ReadingSettings) => void
}) {
  if (first === undefined) return null
  return (
    <Group>
      <Button onClick={() => onCheck({ ...settings, header: true })} variant="default">
        {text.uploads.rowIsHeader(first.number)}
      </Button>
      <Button onClick={() => onCheck({ ...settings, header: false })} variant="default">
        {text.uploads.rowIsCode(first.number)}
      </Button>
    </Group>
  )
}

function wordsFor({ headerRow, header, columnNumber }: Layout): string {
  const name = header?.[columnNumber - 1]
  return [
    headerRow === null ? text.uploads.noHeader : text.uploads.headerInRow(headerRow),
    name === undefined || name === ''
      ? text.uploads.codesInColumnNumber(columnNumber)
      : text.uploads.codesInColumn(name),
  ].join(' ')
}

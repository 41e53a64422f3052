import { Button, Code, Collapse, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { text } from '../text.ts'
import { type Beginning, BeginningTable } from './beginning-table.tsx'
import { ReadingForm } from './reading-form.tsx'
import type { ReadingSettings } from './send-file.ts'
import type { UploadTask } from './upload-task.ts'

type Layout = NonNullable<NonNullable<UploadTask['upload']>['layout']>

/** What the service took for the header and for the codes of a file, and the way to have it read differently. */
export function HowRead({
  task,
  settings,
  onCheck,
}: {
  task: UploadTask
  settings: ReadingSettings
  onCheck: (settings: ReadingSettings) => void
}) {
  const { layout = null, beginning = null } = task.upload ?? {}
  const isUnclear = task.failure?.code === 'HEADER_UNCLEAR'
  const isUnread = task.status === 'FAILED' && !isUnclear
  const [isOpen, { toggle }] = useDisclosure(isUnread)
  if (beginning === null) return null
  return (
    <Paper p="md" withBorder>
      <Stack>
        <div>
          <Title order={3} size="h5">
            {isUnclear ? text.uploads.unclear : isUnread ? text.uploads.beginning : text.uploads.howRead}
          </Title>
          <Text mt={4} size="sm">
            {isUnclear && text.uploads.unclearHint}
            {isUnread && text.uploads.sayHow}
            {layout !== null && ` ${wordsFor(layout)}`}
          </Text>
        </div>
        <BeginningTable layout={layout} rows={beginning.rows} />
        {isUnclear && <HeaderOrCode onCheck={onCheck} rows={beginning.rows} settings={settings} />}
        {!isUnclear && beginning.codes.length > 0 && (
          <Text component="div" size="sm">
            {text.uploads.firstCodes}:{' '}
            <Group component="span" display="inline-flex" gap={6}>
              {beginning.codes.map((code, i) => (
                // Codes of a file may be the same.
                // biome-ignore lint/suspicious/noArrayIndexKey: they never change their order
                <Code key={i} style={{ overflowWrap: 'anywhere' }}>
                  {code}
                </Code>
              ))}
            </Group>
          </Text>
        )}
        <div>
          <Button aria-expanded={isOpen} onClick={toggle} px={0} size="compact-sm" variant="transparent">
            {text.uploads.notRight}
          </Button>
          <Collapse expanded={isOpen}>
            <div style={{ paddingTop: 12 }}>
              <ReadingForm
                onCheck={onCheck}
                rows={beginning.rows}
                settings={settings}
                {...(layout !== null && { hasHeader: layout.headerRow !== null })}
              />
            </div>
          </Collapse>
        </div>
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

import { Button, Code, DataList, Paper, Progress, SimpleGrid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useParams } from 'react-router'
import { shareOf } from '../intl.ts'
import { Fact } from '../parts/fact.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { LongCount } from '../parts/long-count.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { Page } from '../parts/page.tsx'
import { Moment } from '../parts/time.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import type { FormatOfPage } from './format-details.ts'
import { Examples } from './format-preview.tsx'
import { GuessOdds } from './guess-odds.tsx'
import { useLiveFormat } from './live-format.ts'
import { RenameFormat } from './rename-format.tsx'

/** A format: what its codes look like, how many are left, and how hard they are to guess. */
export function FormatScreen() {
  const { formatId = '' } = useParams()
  const result = useLiveFormat(formatId)
  return (
    <Loaded of={result}>
      {({ format }) => (format === null ? <NothingHere /> : <FormatPage format={format} />)}
    </Loaded>
  )
}

function FormatPage({ format }: { format: FormatOfPage }) {
  const mayManage = useMay('MANAGE')
  const [isRenaming, { open, close }] = useDisclosure()
  return (
    <Page
      actions={
        mayManage && (
          <Button onClick={open} variant="default">
            {text.formats.rename}
          </Button>
        )
      }
      title={format.name}
    >
      <FormatCounts format={format} />
      <DataList labelWidth={180}>
        <Fact label={text.formats.pattern}>
          <Code style={{ overflowWrap: 'anywhere' }}>{format.pattern}</Code>
        </Fact>
        <Fact label={text.formats.examples}>
          <Examples codes={format.examples} />
        </Fact>
        <Fact label={text.formats.characters}>
          <Code style={{ overflowWrap: 'anywhere' }}>{format.characters}</Code>
        </Fact>
        <Fact label={text.formats.guessOdds}>
          {format.guessOdds === null ? (
            text.formats.noOdds
          ) : (
            <GuessOdds
              characters={format.characters}
              codes={format.generatedCount}
              guesses={format.guessOdds}
              isFixed
            />
          )}
        </Fact>
        <Fact label={text.formats.createdAt}>
          <Moment at={format.createdAt} />
        </Fact>
      </DataList>
      <RenameFormat close={close} format={format} isOpen={isRenaming} />
    </Page>
  )
}

function FormatCounts({ format }: { format: FormatOfPage }) {
  const left = shareOf(format.availableForGeneration, format.capacity)
  const counts = [
    [text.formats.available, format.availableForGeneration],
    [text.formats.capacity, format.capacity],
    [text.formats.generated, format.generatedCount],
    [text.formats.reserved, format.reservedCount],
  ] as const
  return (
    <Paper p={{ base: 'md', sm: 'lg' }} withBorder>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} component="dl" m={0}>
          {counts.map(([label, value]) => (
            <div key={label}>
              <Text c="dimmed" component="dt" size="sm">
                {label}
              </Text>
              <Text component="dd" fw={650} m={0} size="lg">
                <LongCount of={value} />
              </Text>
            </div>
          ))}
        </SimpleGrid>
        <Progress aria-label={text.formats.left(left)} value={left * 100} />
        <Text c="dimmed" size="sm">
          {text.formats.left(left)}
        </Text>
      </Stack>
    </Paper>
  )
}

import { Alert, Anchor, Code, Group, Paper, Skeleton, Stack, Text } from '@mantine/core'
import { AlertIcon } from '@primer/octicons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { count } from '../intl.ts'
import { CountInput } from '../parts/count-input.tsx'
import { LongCount } from '../parts/long-count.tsx'
import { quantityProblem } from '../promo-codes/quantity.ts'
import { text } from '../text.ts'
import { GuessOdds } from './guess-odds.tsx'
import type { PreviewedFormat } from './preview-query.ts'

interface FormatPreviewProps {
  preview: PreviewedFormat | undefined
  isStale: boolean
  /** For how many codes it says how hard they are to guess. */
  judgedFor: string
  /** As it was typed. */
  codes: string
  setCodes: (typed: string) => void
}

/** What codes of a format would look like, how many there are, and what to know before it is created. */
export function FormatPreview({ preview, isStale, judgedFor, codes, setCodes }: FormatPreviewProps) {
  return (
    <Paper
      component="section"
      aria-label={text.formats.preview}
      bg="var(--mantine-color-default-hover)"
      p="md"
    >
      {preview === undefined ? (
        <Stack gap="sm">
          <Skeleton height={20} width="50%" />
          <Skeleton height={20} />
          <Skeleton height={20} width="70%" />
        </Stack>
      ) : (
        <Stack aria-busy={isStale} gap="md" style={{ opacity: isStale ? 0.6 : 1 }}>
          <PreviewPart label={text.formats.examples}>
            <Examples codes={preview.examples} />
          </PreviewPart>
          <PreviewPart label={text.formats.capacity}>
            <Text fw={650} size="lg">
              <LongCount of={preview.capacity} />
            </Text>
          </PreviewPart>
          <PreviewPart label={text.formats.guessOdds}>
            <Stack gap="xs">
              <CountInput
                // Until it is corrected, the odds are those of the usual number.
                error={codes.trim() === '' ? undefined : quantityProblem(codes, undefined)}
                label={text.formats.judgedFor}
                onChange={setCodes}
                placeholder={count(judgedFor)}
                size="xs"
                value={codes}
              />
              <GuessOdds characters={preview.characters} codes={judgedFor} guesses={preview.guessOdds} />
            </Stack>
          </PreviewPart>
          <Overlaps formats={preview.overlaps} />
          {preview.warnings
            // It supposes a million codes. What is said above is for as many as there will be.
            .filter(({ code }) => code !== 'GUESSABLE')
            .map(({ code, message }) => (
              <Alert color="yellow.9" icon={<AlertIcon />} key={code} p="sm" variant="outline">
                {message}
              </Alert>
            ))}
        </Stack>
      )}
    </Paper>
  )
}

/** Sample codes of a format. */
export function Examples({ codes }: { codes: readonly string[] }) {
  return (
    <Group gap={6}>
      {codes.map((code) => (
        <Code key={code} style={{ overflowWrap: 'anywhere' }}>
          {code}
        </Code>
      ))}
    </Group>
  )
}

function Overlaps({ formats }: { formats: PreviewedFormat['overlaps'] }) {
  if (formats.length === 0) return null
  return (
    <Alert color="red" p="sm" variant="light">
      <Text fw={650} size="sm">
        {text.formats.overlapTitle}
      </Text>
      <Text component="div" size="sm">
        {text.formats.overlap}
        <ul style={{ margin: '4px 0', paddingInlineStart: 20 }}>
          {formats.map(({ id, name }) => (
            <li key={id}>
              {/* In a tab of its own: what has been filled in here is not lost. */}
              <Anchor
                c="inherit"
                component={Link}
                size="sm"
                target="_blank"
                to={`/formats/${id}`}
                underline="always"
              >
                {name}
              </Anchor>
            </li>
          ))}
        </ul>
      </Text>
    </Alert>
  )
}

/** A part of the preview, below its name. */
function PreviewPart({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text c="dimmed" mb={4} size="sm">
        {label}
      </Text>
      {children}
    </div>
  )
}

import { Button, Code, Group, Input, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { PlusIcon } from '@primer/octicons-react'
import type { FormatOfPage } from '../formats/format-details.ts'
import { useFormats } from '../formats/formats.ts'
import { CountInput } from '../parts/count-input.tsx'
import { LongCount } from '../parts/long-count.tsx'
import { text } from '../text.ts'
import { AutoGenerateField } from './auto-generate-field.tsx'
import { FormatPicker } from './format-picker.tsx'
import { quantityProblem } from './quantity.ts'
import type { SettingsFormState } from './use-settings-form.ts'

interface GenerateFieldsProps extends Pick<SettingsFormState, 'form' | 'format' | 'choose'> {
  /** Opens the dialog that does. */
  createFormat: () => void
}

/** The guide's steps once codes are to be generated: the format, the quantity, and whether the pool refills itself. */
export function GenerateFields({ form, format, choose, createFormat }: GenerateFieldsProps) {
  const { quantity } = form.values
  const available = format?.availableForGeneration
  return (
    <Stack gap="lg">
      <FormatField choose={choose} create={createFormat} error={form.errors['formatId']} format={format} />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
        <CountInput
          description={text.promoCodes.quantityHint}
          label={text.promoCodes.quantity}
          required
          {...form.getInputProps('quantity')}
          value={quantity}
          error={
            form.errors['quantity'] ?? (quantity === '' ? undefined : quantityProblem(quantity, available))
          }
        />
        <Available available={available} />
      </SimpleGrid>
      <AutoGenerateField form={form} />
    </Stack>
  )
}

interface FormatFieldProps {
  format: FormatOfPage | undefined
  choose: (format: FormatOfPage) => void
  create: () => void
  error: React.ReactNode
}

function FormatField({ format, choose, create, error }: FormatFieldProps) {
  const { result, formats } = useFormats('')
  const hasNone = format === undefined && result[0].data !== undefined && formats.length === 0
  const createButton = (
    <Button leftSection={<PlusIcon />} onClick={create} variant={hasNone ? 'filled' : 'default'}>
      {text.promoCodes.createFormat}
    </Button>
  )
  return (
    <div>
      {hasNone ? (
        <Paper p="md" withBorder>
          <Stack align="flex-start" gap="sm">
            <Text size="sm">{text.promoCodes.noFormats}</Text>
            {createButton}
            {error !== undefined && (
              <Text c="error" role="alert" size="sm">
                {error}
              </Text>
            )}
          </Stack>
        </Paper>
      ) : (
        <Group align="flex-end" gap="sm">
          <div style={{ flex: '1 1 260px' }}>
            <FormatPicker error={error} onSelect={choose} selected={format} />
          </div>
          {createButton}
        </Group>
      )}
      {format !== undefined && (
        <Text c="dimmed" component="div" mt={6} size="sm">
          {text.promoCodes.looksLike}{' '}
          {format.examples.slice(0, 2).map((code) => (
            <Code key={code} mr={6} style={{ overflowWrap: 'anywhere' }}>
              {code}
            </Code>
          ))}
        </Text>
      )}
    </div>
  )
}

function Available({ available }: { available: string | undefined }) {
  return (
    <Input.Wrapper
      description={text.promoCodes.availableHint}
      label={text.formats.available}
      labelElement="div"
    >
      {available === undefined ? (
        <Text c="dimmed" mt={8} size="sm">
          {text.promoCodes.pickFirst}
        </Text>
      ) : (
        <Text fw={600} mt={6} size="lg">
          <LongCount of={available} />
        </Text>
      )}
    </Input.Wrapper>
  )
}

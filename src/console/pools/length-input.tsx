import { Group, Input, NativeSelect, NumberInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../text.ts'
import { type Length, type Unit, units } from './duration.ts'

/** A length of time: a number, and its unit. */
export function LengthInput({
  label,
  hint,
  value,
  onChange,
  error,
}: {
  label: string
  hint: string
  value: Length
  onChange: (length: Length) => void
  error?: ReactNode
}) {
  return (
    <Input.Wrapper description={hint} error={error} label={label} labelElement="div">
      <Group gap="xs" mb={error == null ? 0 : 6} mt={6} wrap="nowrap">
        <NumberInput
          aria-label={label}
          decimalScale={3}
          error={error !== undefined && error !== null}
          flex={1}
          hideControls
          onChange={(amount) => onChange({ ...value, amount: String(amount) })}
          thousandSeparator=","
          value={value.amount}
        />
        <NativeSelect
          aria-label={text.settings.validForUnit}
          data={units.map((unit) => ({ value: unit, label: text.settings.units[unit] }))}
          onChange={({ currentTarget }) => onChange({ ...value, unit: currentTarget.value as Unit })}
          value={value.unit}
        />
      </Group>
    </Input.Wrapper>
  )
}

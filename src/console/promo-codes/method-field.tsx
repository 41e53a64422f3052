import { Group, Radio, SimpleGrid, Text } from '@mantine/core'
import { text } from '../text.ts'
import type { SettingsValues } from './settings.ts'

const methods = ['GENERATE', 'UPLOAD'] as const

interface MethodFieldProps {
  value: SettingsValues['method']
  onChange: (method: SettingsValues['method']) => void
}

/** Where the codes of the pool come from. */
export function MethodField({ value, onChange }: MethodFieldProps) {
  return (
    <Radio.Group
      label={text.promoCodes.method}
      onChange={(chosen) => onChange(methods.find((method) => method === chosen) ?? value)}
      value={value}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs" spacing="sm">
        {methods.map((method) => (
          <Radio.Card
            aria-label={text.promoCodes.methods[method]}
            key={method}
            p="md"
            // As with all radio buttons: Tab leads to the one that is chosen, and the arrows to the others.
            tabIndex={method === value ? 0 : -1}
            value={method}
          >
            <Group align="flex-start" gap="sm" wrap="nowrap">
              <Radio.Indicator mt={2} />
              <div>
                <Text fw={600} size="sm">
                  {text.promoCodes.methods[method]}
                </Text>
                <Text c="dimmed" mt={2} size="sm">
                  {text.promoCodes.methodHints[method]}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}

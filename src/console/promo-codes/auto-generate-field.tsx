import { Collapse, Stack, Switch, Text, UnstyledButton } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { ChevronDownIcon, ChevronRightIcon } from '@primer/octicons-react'
import { useId } from 'react'
import { CountInput } from '../parts/count-input.tsx'
import { text } from '../text.ts'
import { thresholdProblem } from './quantity.ts'
import type { SettingsValues } from './settings.ts'

/** Whether the pool refills itself, and under "Advanced" when. */
export function AutoGenerateField({ form }: { form: UseFormReturnType<SettingsValues> }) {
  const [isOpened, { toggle }] = useDisclosure(form.values.refillThreshold !== '0')
  const problem = form.errors['refillThreshold'] ?? thresholdProblem(form.values.refillThreshold)
  // What is wrong is never hidden.
  const isOpen = isOpened || problem !== undefined
  const advanced = useId()
  return (
    <Stack gap="sm">
      <Switch
        description={
          <>
            {text.promoCodes.autoGenerateHint}
            <br />
            <b>{text.promoCodes.turnOn}</b> {text.promoCodes.turnOnFor}
            <br />
            <b>{text.promoCodes.leaveOff}</b> {text.promoCodes.leaveOffFor}
          </>
        }
        label={text.promoCodes.autoGenerate}
        {...form.getInputProps('autoGenerate', { type: 'checkbox' })}
      />
      <div>
        <UnstyledButton aria-controls={advanced} aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? <ChevronDownIcon /> : <ChevronRightIcon />}{' '}
          <Text component="span" size="sm">
            {text.promoCodes.advanced}
          </Text>
        </UnstyledButton>
        <Collapse expanded={isOpen} id={advanced}>
          <CountInput
            description={text.promoCodes.thresholdHint}
            label={text.promoCodes.threshold}
            maw={420}
            mt="xs"
            {...form.getInputProps('refillThreshold')}
            value={form.values.refillThreshold}
            error={problem}
          />
        </Collapse>
      </div>
    </Stack>
  )
}

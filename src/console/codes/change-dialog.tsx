import { Alert, Button, Checkbox, Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { useQuery } from 'urql'
import { useProblems } from '../api/problems.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { AddedCodesQuery, AutoGenerateQuery, type Change, useChange } from './changes.ts'
import { TaskSelect } from './task-select.tsx'

interface ChangeDialogProps {
  change: Change
  isOpen: boolean
  onClose: () => void
}

/** Asks which codes of the pool something is done with: all that it can be done with, or those that one task added. */
export function ChangeDialog({ change, isOpen, onClose }: ChangeDialogProps) {
  return (
    <Dialog onClose={onClose} opened={isOpen} title={text.codes.changes[change].title}>
      <ChangeForm change={change} onClose={onClose} />
    </Dialog>
  )
}

/** What can only be done with the codes of a task: doing it with a whole pool is nothing that a campaign needs. */
const ofTaskOnly: readonly Change[] = ['void', 'unvoid']
const withReason: readonly Change[] = ['withdraw', 'void']

function ChangeForm({ change, onClose }: Omit<ChangeDialogProps, 'isOpen'>) {
  const pool = usePoolOfPage()
  const words = text.codes.changes[change]
  const form = useForm({
    initialValues: {
      // Withdrawing takes away what somebody may count on, so nothing is chosen in advance.
      of: { withdraw: '', restore: 'pool', void: 'task', unvoid: 'task' }[change],
      taskId: '',
      reason: '',
      keepAutoGenerate: false,
    },
    validate: { of: (of) => (of === '' ? text.codes.sayWhich : null) },
  })
  const problems = useProblems(form, { 'select.taskId': 'taskId' })
  const [submit, isSubmitting] = useChange(change)
  const { of, taskId } = form.values
  const inPool = { withdraw: pool.availableCount, restore: pool.withdrawnCount, void: '', unvoid: '' }[change]
  const concerned = useConcerned(change, taskId)
  const number = { pool: inPool, task: concerned }[of]
  const act = form.onSubmit(async (values) => {
    problems.clear()
    const { done, problems: found = [] } = await submit({
      poolId: pool.id,
      ...(of === 'task' && { taskId }),
      ...(values.reason.trim() !== '' && { reason: values.reason }),
      ...(values.keepAutoGenerate && { keepAutoGenerate: true }),
    })
    problems.show(found)
    if (done === undefined) return
    notifications.show({ message: done })
    onClose()
  })
  return (
    <form onSubmit={act}>
      <Stack>
        <Text size="sm">{words.body}</Text>
        {!ofTaskOnly.includes(change) && (
          <Radio.Group label={words.which} {...form.getInputProps('of')}>
            <Stack gap="xs" mt="xs">
              <Radio label={words.all(inPool)} value="pool" />
              <Radio label={text.codes.ofTask} value="task" />
            </Stack>
          </Radio.Group>
        )}
        {of === 'task' && <TaskSelect poolId={pool.id} {...form.getInputProps('taskId')} />}
        {change === 'withdraw' && <KeepAutoGenerate {...form.getInputProps('keepAutoGenerate')} />}
        {withReason.includes(change) && (
          <TextInput
            description={change === 'withdraw' ? text.codes.withdrawReasonHint : text.codes.reasonHint}
            label={text.codes.reason}
            maxLength={1_000}
            {...form.getInputProps('reason')}
          />
        )}
        {number === '0' && <Alert variant="default">{words.none}</Alert>}
        {problems.alert}
        <Group justify="flex-end">
          <Button disabled={isSubmitting} onClick={onClose} variant="default">
            {text.common.cancel}
          </Button>
          <Button
            disabled={of === 'task' && number === undefined ? true : number === '0'}
            loading={isSubmitting}
            type="submit"
            {...(change !== 'restore' && change !== 'unvoid' && { color: 'red.9' })}
          >
            {number === undefined ? words.title : words.action(number)}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** How many codes of a task a change would concern, at most. Undefined as long as no task is chosen. */
function useConcerned(change: Change, taskId: string): string | undefined {
  const [{ data }] = useQuery({
    query: AddedCodesQuery,
    variables: { id: taskId },
    pause: taskId === '',
    requestPolicy: 'cache-and-network',
  })
  if (taskId === '' || data?.task?.id !== taskId) return undefined
  const { availableCount, withdrawnCount, claimedCount } = data.task.addedCodes
  if (change === 'withdraw') return availableCount
  return change === 'restore' ? withdrawnCount : claimedCount
}

/** Only where auto-generate is on: withdrawing turns it off, unless this is checked. */
function KeepAutoGenerate({ value, onChange }: { value?: boolean; onChange: (isKept: boolean) => void }) {
  const { id } = usePoolOfPage()
  const [{ data }] = useQuery({ query: AutoGenerateQuery, variables: { poolId: id } })
  if (data?.pool?.replenishment.autoGenerate !== true) return null
  return (
    <Stack gap="xs">
      <Text role="status" size="sm">
        {value === true ? text.codes.autoGenerateStays : text.codes.autoGenerateEnds}
      </Text>
      <Checkbox
        checked={value ?? false}
        label={text.codes.keepAutoGenerate}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </Stack>
  )
}

import { Button, Group, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { useProblems } from '../../api/problems.tsx'
import { text } from '../../text.ts'
import { useRedeem } from './redeem.ts'
import { PlaceField, ReferenceField } from './redeem-fields.tsx'

/** Redeems a code that was looked up. */
export function RedeemForm({
  code,
  onRedeemed,
  onCancel,
}: {
  code: string
  onRedeemed: () => void
  onCancel: () => void
}) {
  const words = text.codes.redeem
  const [redeem, isRedeeming] = useRedeem()
  const form = useForm({
    initialValues: { reference: '', place: '' },
    validate: { reference: (reference) => (reference.trim() === '' ? words.noReference : null) },
  })
  const problems = useProblems(form)
  const submit = form.onSubmit(async ({ reference, place }) => {
    problems.clear()
    const { problems: found } = await redeem({ code, reference, place })
    if (found) return problems.show(found)
    notifications.show({ message: words.done(code) })
    onRedeemed()
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <ReferenceField autoFocus {...form.getInputProps('reference')} />
        <PlaceField {...form.getInputProps('place')} />
        {problems.alert}
        <Group>
          <Button loading={isRedeeming} type="submit">
            {words.submit}
          </Button>
          <Button onClick={onCancel} variant="default">
            {text.common.cancel}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

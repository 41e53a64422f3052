import { Button, Group } from '@mantine/core'
import { text } from '../text.ts'

interface DialogActionsProps {
  /** The words on the button that submits the form. */
  action: string
  isUnderWay: boolean
  cancel: () => void
}

/** The end of a form in a dialog. */
export function DialogActions({ action, isUnderWay, cancel }: DialogActionsProps) {
  return (
    <Group justify="flex-end">
      <Button disabled={isUnderWay} onClick={cancel} variant="default">
        {text.common.cancel}
      </Button>
      <Button loading={isUnderWay} type="submit">
        {action}
      </Button>
    </Group>
  )
}

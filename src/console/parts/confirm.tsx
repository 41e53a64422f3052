import { Button, Group, Stack, Text } from '@mantine/core'
import { modals } from '@mantine/modals'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Problems } from '../api/problems.tsx'
import type { Problem } from '../api/read-problems.ts'
import { text } from '../text.ts'

interface Question {
  title: string
  /** What will happen, in numbers. */
  children: ReactNode
  /** The words on the button that does it: "Void 12 codes". */
  action: string
  isDestructive?: boolean
  /** Whether doing it moves the focus elsewhere. Otherwise it returns to where it was. */
  leadsOn?: boolean
  /** Does it. What it resolves to is shown, and the dialog stays open; with nothing, it closes. */
  act: () => Promise<readonly Problem[] | undefined>
}

/**
 * Asks before something is done that cannot be taken back easily, and shows what went wrong in the same place. Once a field of
 * the question has been filled in, Escape does not close it; while it is being done, nothing does.
 */
export function ask(question: Question): void {
  const hold = (closeOnEscape: boolean, isBusy: boolean) =>
    modals.updateModal({
      modalId,
      closeOnEscape,
      closeButtonProps: { 'aria-label': text.common.close, disabled: isBusy },
    })
  const modalId = modals.open({
    title: question.title,
    returnFocus: !question.leadsOn,
    children: <Asking close={() => modals.close(modalId)} hold={hold} question={question} />,
  })
}

interface AskingProps {
  question: Question
  close: () => void
  /** Says how the dialog can be closed. */
  hold: (closeOnEscape: boolean, isBusy: boolean) => void
}

function Asking({ question, close, hold }: AskingProps) {
  const [problems, setProblems] = useState<readonly Problem[]>([])
  const [isActing, setActing] = useState(false)
  const act = async (event: FormEvent) => {
    event.preventDefault()
    setActing(true)
    hold(false, true)
    try {
      const found = await question.act()
      if (found === undefined || found.length === 0) close()
      else setProblems(found)
    } finally {
      setActing(false)
      hold(false, false)
    }
  }
  return (
    <form noValidate onInput={() => hold(false, false)} onSubmit={act}>
      <Stack>
        <Text component="div" size="sm">
          {question.children}
        </Text>
        <Problems of={problems} />
        <Group justify="flex-end">
          <Button disabled={isActing} onClick={close} variant="default">
            {text.common.cancel}
          </Button>
          <Button
            {...(question.isDestructive === true && { color: 'red.9' })}
            loading={isActing}
            type="submit"
          >
            {question.action}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

import { Button, Group, Stack, Text } from '@mantine/core'
import { modals } from '@mantine/modals'
import { type ReactNode, useState } from 'react'
import { Problems } from '../api/problems.tsx'
import type { Problem } from '../api/submit.ts'
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

/** Asks before something is done that cannot be taken back easily, and shows what went wrong in the same place. */
export function ask(question: Question): void {
  const id = modals.open({
    title: question.title,
    returnFocus: !question.leadsOn,
    children: <Asking close={() => modals.close(id)} question={question} />,
  })
}

function Asking({ question, close }: { question: Question; close: () => void }) {
  const [problems, setProblems] = useState<readonly Problem[]>([])
  const [isActing, setActing] = useState(false)
  const act = async () => {
    setActing(true)
    try {
      const found = await question.act()
      if (found === undefined || found.length === 0) close()
      else setProblems(found)
    } finally {
      setActing(false)
    }
  }
  return (
    <Stack>
      <Text component="div" size="sm">
        {question.children}
      </Text>
      <Problems of={problems} />
      <Group justify="flex-end">
        <Button onClick={close} variant="default">
          {text.common.cancel}
        </Button>
        <Button {...(question.isDestructive === true && { color: 'red.9' })} loading={isActing} onClick={act}>
          {question.action}
        </Button>
      </Group>
    </Stack>
  )
}

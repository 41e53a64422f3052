import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { useBeforeUnload, useBlocker } from 'react-router'
import { text } from '../text.ts'

/** What somebody would lose by leaving, or believe to be done when it is not. */
type Loss = keyof typeof text.leaving

/** What is asked, and what happens on "leave". */
interface Question {
  loss: Loss
  leave: () => void
  stay: () => void
}

interface Guard {
  /** What of the page is not saved now. */
  losses: Map<symbol, Loss>
  /** Does `leave`, after asking if something would be lost. */
  ask: (leave: () => void) => void
}

const GuardContext = createContext<Guard | undefined>(undefined)

/**
 * Asks before somebody leaves a form with unsaved changes: by a link, by the browser's buttons (back, reload, close), or by
 * closing a dialog. One for the whole page, as the router has one place for this.
 */
export function LeaveGuard({ children }: { children: ReactNode }) {
  const [losses] = useState(() => new Map<symbol, Loss>())
  const [asked, setAsked] = useState<Question>()
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      losses.size > 0 && currentLocation.pathname !== nextLocation.pathname,
  )
  useBeforeUnload((event) => {
    if (losses.size > 0) event.preventDefault()
  })
  const lossOf = () => [...losses.values()][0] ?? 'changes'
  const question: Question | undefined =
    blocker.state === 'blocked' ? { loss: lossOf(), leave: blocker.proceed, stay: blocker.reset } : asked
  const isAsking = useIsAsking(question !== undefined)
  const guard = useMemo<Guard>(
    () => ({
      losses,
      ask(leave) {
        const [loss] = losses.values()
        if (loss === undefined) leave()
        else if (!isAsking.current) setAsked({ loss, leave, stay: () => {} })
      },
    }),
    [isAsking, losses],
  )
  const answer = (act: (() => void) | undefined) => {
    setAsked(undefined)
    act?.()
  }
  return (
    <GuardContext value={guard}>
      {children}
      <LeaveQuestion
        leave={() => {
          losses.clear()
          answer(question?.leave)
        }}
        loss={question?.loss}
        stay={() => answer(question?.stay)}
      />
    </GuardContext>
  )
}

/**
 * Whether the question is shown, also for the rest of the event that answers it: the same press of Escape reaches the dialog
 * below, whose closing must not ask again.
 */
function useIsAsking(isShown: boolean): RefObject<boolean> {
  const isAsking = useRef(false)
  useEffect(() => {
    if (isShown) isAsking.current = true
    const timer = setTimeout(() => {
      isAsking.current = isShown
    })
    return () => clearTimeout(timer)
  }, [isShown])
  return isAsking
}

interface LeaveQuestionProps {
  /** Undefined while nothing is asked. */
  loss: Loss | undefined
  leave: () => void
  stay: () => void
}

function LeaveQuestion({ loss, leave, stay }: LeaveQuestionProps) {
  // The words stay while the dialog fades.
  const [last, setLast] = useState<Loss>('changes')
  if (loss !== undefined && loss !== last) setLast(loss)
  const words = text.leaving[loss ?? last]
  return (
    // Above any dialog that may be open.
    <Modal
      onClose={stay}
      opened={loss !== undefined}
      title={words.title}
      withCloseButton={false}
      zIndex={300}
    >
      <Stack>
        <Text size="sm">{words.body}</Text>
        <Group justify="flex-end">
          <Button data-autofocus onClick={stay} variant="default">
            {words.stay}
          </Button>
          <Button {...((loss ?? last) === 'changes' && { color: 'red.9' })} onClick={leave}>
            {words.leave}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

function useGuard(): Guard {
  const guard = useContext(GuardContext)
  if (guard === undefined) throw new Error('Nothing is changed outside of the page’s guard.')
  return guard
}

/**
 * Has somebody asked before they leave, as long as `isUnsaved`. Returns a function that ends this: for who leads elsewhere
 * once it has saved.
 */
export function useUnsavedChanges(isUnsaved: boolean, loss: Loss = 'changes'): () => void {
  const { losses } = useGuard()
  const [self] = useState(() => Symbol(loss))
  useEffect(() => {
    if (!isUnsaved) return
    losses.set(self, loss)
    return () => {
      losses.delete(self)
    }
  }, [losses, self, isUnsaved, loss])
  return () => losses.delete(self)
}

/** A function that does what leaves a form, such as closing its dialog, after asking if something would be lost. */
export function useLeave(): (leave: () => void) => void {
  return useGuard().ask
}

import { Modal, type ModalProps } from '@mantine/core'
import { useMemo, useState } from 'react'
import { UnderWayContext } from '../api/under-way.ts'

/**
 * A dialog that loses no work: a click beside it does not close it, nor does Escape once something was typed or sent, and
 * while a request is under way nothing does. Put it beside a list that others may fill or empty meanwhile, not in it: it would go.
 */
export function Dialog({ opened, onClose, children, ...props }: ModalProps) {
  const [requests, setRequests] = useState(0)
  const [isUsed, setUsed] = useState(false)
  const [wasOpened, setWasOpened] = useState(opened)
  if (opened !== wasOpened) {
    setWasOpened(opened)
    setUsed(false)
  }
  const underWay = useMemo(
    () => ({
      begin() {
        setUsed(true)
        setRequests((n) => n + 1)
      },
      end: () => setRequests((n) => n - 1),
    }),
    [],
  )
  const isBusy = requests > 0
  return (
    <Modal
      closeOnEscape={!isUsed && !isBusy}
      onClose={() => {
        if (!isBusy) onClose()
      }}
      opened={opened}
      {...props}
    >
      <UnderWayContext value={underWay}>
        <div onInput={() => setUsed(true)}>{children}</div>
      </UnderWayContext>
    </Modal>
  )
}

import { Modal } from '@mantine/core'
import { useLeave } from '../parts/unsaved-changes.tsx'
import { text } from '../text.ts'
import type { FormatOfPage } from './format-details.ts'
import { FormatForm } from './format-form.tsx'

/** The dialog that creates a format. It begins anew each time. */
export function CreateFormat({
  isOpen,
  close,
  onCreate,
  quantity,
}: {
  isOpen: boolean
  close: () => void
  /** How many codes are to be generated, as it was typed, if that is known. */
  quantity?: string
  onCreate: (format: FormatOfPage) => void
}) {
  const leave = useLeave()
  const cancel = () => leave(close)
  return (
    <Modal
      // A click beside it is a slip more often than a wish.
      closeButtonProps={{ 'aria-label': text.common.close }}
      closeOnClickOutside={false}
      onClose={cancel}
      opened={isOpen}
      size={840}
      title={text.formats.createTitle}
    >
      <FormatForm onCancel={cancel} onCreate={onCreate} {...(quantity !== undefined && { quantity })} />
    </Modal>
  )
}

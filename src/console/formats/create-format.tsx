import { Modal } from '@mantine/core'
import { text } from '../text.ts'
import type { FormatOfPage } from './format-details.ts'
import { FormatForm } from './format-form.tsx'

/** The dialog that creates a format. It begins anew each time. */
export function CreateFormat({
  isOpen,
  close,
  onCreate,
}: {
  isOpen: boolean
  close: () => void
  onCreate: (format: FormatOfPage) => void
}) {
  return (
    <Modal
      // What somebody has filled in is not lost by a click beside it.
      closeButtonProps={{ 'aria-label': text.common.close }}
      closeOnClickOutside={false}
      onClose={close}
      opened={isOpen}
      size={840}
      title={text.formats.createTitle}
    >
      <FormatForm onCancel={close} onCreate={onCreate} />
    </Modal>
  )
}

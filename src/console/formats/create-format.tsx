import { Dialog } from '../parts/dialog.tsx'
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
    <Dialog onClose={close} opened={isOpen} size={840} title={text.formats.createTitle}>
      <FormatForm onCancel={close} onCreate={onCreate} />
    </Dialog>
  )
}

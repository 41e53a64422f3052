import { Dialog } from '../parts/dialog.tsx'
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
    // Whoever leaves it with something filled in is asked.
    <Dialog closeOnEscape onClose={cancel} opened={isOpen} size={840} title={text.formats.createTitle}>
      <FormatForm onCancel={cancel} onCreate={onCreate} {...(quantity !== undefined && { quantity })} />
    </Dialog>
  )
}

import { TextInput, type TextInputProps } from '@mantine/core'
import { text } from '../../text.ts'

const words = text.codes.redeem
const maxLength = 255

/** What a code is redeemed for. */
export function ReferenceField(props: TextInputProps) {
  return (
    <TextInput
      description={words.referenceHint}
      label={words.reference}
      maxLength={maxLength}
      required
      {...props}
    />
  )
}

/** Where a code is redeemed. */
export function PlaceField(props: TextInputProps) {
  return <TextInput description={words.placeHint} label={words.place} maxLength={maxLength} {...props} />
}

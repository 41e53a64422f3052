import { TextInput, type TextInputProps } from '@mantine/core'
import { type ChangeEvent, useLayoutEffect, useRef } from 'react'
import { count, readCount } from '../intl.ts'

interface CountInputProps extends Omit<TextInputProps, 'onChange' | 'value'> {
  /** As it was typed: only a whole number is written anew, with its thousands apart. */
  value: string
  onChange: (value: string) => void
}

/** Longer than any count that there can be, with separators. */
const maxLength = 60

/**
 * A field for a count of any size. Not a NumberInput, which removes what does not belong to a number, so that a pasted
 * 1e6 becomes 16, and -5 becomes 5.
 */
export function CountInput({ value, onChange, ...props }: CountInputProps) {
  const input = useRef<HTMLInputElement>(null)
  /** How many digits are to be left of the caret once the separators have moved. */
  const digitsLeft = useRef<number>(undefined)
  useLayoutEffect(() => {
    if (digitsLeft.current === undefined) return
    const caret = placeAfter(value, digitsLeft.current)
    input.current?.setSelectionRange(caret, caret)
    digitsLeft.current = undefined
  }, [value])
  const change = ({ currentTarget: { value: typed, selectionStart } }: ChangeEvent<HTMLInputElement>) => {
    const n = readCount(typed)
    if (n === undefined) return onChange(typed)
    digitsLeft.current = typed.slice(0, selectionStart ?? typed.length).replaceAll(/\D/g, '').length
    onChange(count(n))
  }
  return (
    <TextInput
      autoComplete="off"
      inputMode="numeric"
      maxLength={maxLength}
      onChange={change}
      ref={input}
      value={value}
      {...props}
    />
  )
}

/** The place in a grouped count behind its first `digits` digits. */
function placeAfter(grouped: string, digits: number): number {
  let place = 0
  for (let seen = 0; seen < digits && place < grouped.length; place += 1)
    if (/\d/.test(grouped.charAt(place))) seen += 1
  return place
}

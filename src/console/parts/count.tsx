import { count, shortCount } from '../intl.ts'

/** A number of codes: exact, unless it would be very long. Then it is exact on hover. */
export function Count({
  of: value,
  isShort = BigInt(value) >= 10n ** 10n,
}: {
  of: string
  isShort?: boolean
}) {
  return (
    <span style={{ fontVariantNumeric: 'tabular-nums' }} {...(isShort && { title: count(value) })}>
      {isShort ? shortCount(value) : count(value)}
    </span>
  )
}

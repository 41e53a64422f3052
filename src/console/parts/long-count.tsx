import { Fragment } from 'react'
import { count } from '../intl.ts'

/** A count that may be longer than a line, which breaks only between its thousands. */
export function LongCount({ of }: { of: string }) {
  const pieces = count(of).split(/(?<=\D)/)
  return pieces.map((piece, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a count have no other identity than their places.
    <Fragment key={i}>
      {piece}
      <wbr />
    </Fragment>
  ))
}

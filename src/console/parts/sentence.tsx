import { Fragment, type ReactNode } from 'react'

/**
 * A text with parts of the page in it, such as links: "{who} created {pool}." A part's name in capitals, {Pool}, is that part
 * at the beginning of a sentence.
 */
export function Sentence({
  of: template,
  parts,
}: {
  of: string
  parts: Readonly<Record<string, ReactNode>>
}) {
  // Every second piece is the name of a part.
  const pieces = template.split(/\{(\w+)\}/)
  // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text have no other identity than their places.
  return pieces.map((piece, i) => <Fragment key={i}>{i % 2 === 0 ? piece : parts[piece]}</Fragment>)
}

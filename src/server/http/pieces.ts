/**
 * Longer answers are sent in pieces, with back-pressure, so that a client that does not read is noticed. How much has been
 * read of what was written at once shows only when all of it has: in pieces, one that reads slowly is not taken for one
 * that does not.
 */
export const maxPieceBytes = 64_000

/** The same bytes, none of which are in a longer piece than `maxPieceBytes`. */
export async function* inPieces(
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  for await (const part of parts)
    for (let from = 0; from < part.length; from += maxPieceBytes)
      yield part.subarray(from, from + maxPieceBytes)
}

import { type FragmentOf, graphql } from '../api/graphql.ts'

/** A format as the console shows it, on its own page, in lists and where one is chosen. */
export const FormatDetails = graphql(`
  fragment FormatDetails on Format {
    id
    name
    pattern
    characters
    capacity
    availableForGeneration
    generatedCount
    reservedCount
    guessOdds
    examples
    createdAt
  }
`)

export type FormatOfPage = FragmentOf<typeof FormatDetails>

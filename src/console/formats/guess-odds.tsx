import { Stack, Text } from '@mantine/core'
import { text } from '../text.ts'

/** A program that tries 1,000 codes a second, where nothing limits it, needs half a day for so many: time to notice. */
const hardGuesses = 43_200_000n

interface GuessOddsProps {
  /** How many random guesses it takes for one of the codes. Null if the format has not so many codes. */
  guesses: string | null
  /** How many codes there are, or are to be. */
  codes: string
  /** Those of the random part. */
  characters: string
  /** Whether the format exists: then its shape cannot be changed. */
  isFixed?: boolean
}

/** How hard the codes of a format are to guess and, where that is not very hard, what would change it. */
export function GuessOdds({ guesses, codes, characters, isFixed = false }: GuessOddsProps) {
  const isHard = guesses !== null && BigInt(guesses) >= hardGuesses
  const choices = [...characters].length
  const advice = isFixed ? text.formats.harderFormat : text.formats.harder
  return (
    <Stack gap={4}>
      <Text size="sm">
        {guesses === null ? text.formats.tooFewCodes(codes) : text.formats.odds(guesses, codes, isHard)}
      </Text>
      {!isHard && (
        <Text c="dimmed" size="sm">
          {advice(choices * choices)}
        </Text>
      )}
    </Stack>
  )
}

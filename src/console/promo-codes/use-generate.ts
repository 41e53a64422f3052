import { useState } from 'react'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { useUnanswered } from '../api/use-unanswered.ts'
import { FormatDetails, type FormatOfPage } from '../formats/format-details.ts'
import { TaskDetails } from '../tasks/task-details.ts'
import { text } from '../text.ts'
import { SavedSettings, type SettingsValues } from './settings.ts'

const GenerateCodes = graphql(
  `
    mutation GenerateCodes($input: GenerateCodesInput!) {
      generateCodes(input: $input) {
        __typename
        ... on GenerateCodesPayload {
          task {
            ...TaskDetails
            pool {
              ...SavedSettings
            }
            format {
              ...FormatDetails
            }
          }
        }
        ... on QuantityExceedsAvailableError {
          format {
            ...FormatDetails
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [TaskDetails, SavedSettings, FormatDetails, Refusal],
)

type Input = Omit<VariablesOf<typeof GenerateCodes>['input'], 'idempotencyKey'>

/** What the form had in it, for when it is shown again without an answer to its request. */
interface Filled {
  values: SettingsValues
  format: FormatOfPage | undefined
}

/**
 * What is known of the "Save and generate" of a pool. However often the same is sent, on a double press or after an answer that
 * was lost, also where somebody has left and come back, it makes one task until there is an answer.
 */
export function useUnansweredGeneration(poolId: string) {
  return useUnanswered<Filled>(`generate ${poolId}`)
}

/** "Save and generate". */
export function useGenerate({ keyOf, heard }: ReturnType<typeof useUnansweredGeneration>) {
  const [submit, isGenerating] = useSubmit(GenerateCodes, text.promoCodes.lostAnswer)
  const [answered, setAnswered] = useState<string>()
  const generate = async (input: Input, filled: Filled) => {
    const outcome = await submit({ input: { ...input, idempotencyKey: keyOf(input, filled) } })
    heard(outcome)
    if (outcome.problems === undefined) setAnswered(JSON.stringify(input))
    return outcome
  }
  return {
    generate,
    /** Whether this was the last that has started a task. */
    isDone: (input: Input) => answered === JSON.stringify(input),
    isGenerating,
    startAnew: () => setAnswered(undefined),
  }
}

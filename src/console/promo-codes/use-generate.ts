import { useRef, useState } from 'react'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { newIdempotencyKey } from '../api/idempotency.ts'
import { Refusal, useSubmit } from '../api/submit.ts'
import { FormatDetails } from '../formats/format-details.ts'
import { TaskDetails } from '../tasks/task-details.ts'
import { SavedSettings } from './settings.ts'

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

/**
 * "Save and generate". However often the same form is sent, on a double press or after an answer that was lost, it makes
 * one task. It makes another once the form has changed, or after `startAnew`.
 */
export function useGenerate() {
  const [submit, isSubmitting] = useSubmit(GenerateCodes)
  const request = useRef<{ form: string; idempotencyKey: string }>(undefined)
  const [answered, setAnswered] = useState<string>()
  const wasSent = (input: Input) => request.current?.form === JSON.stringify(input)
  const generate = async (input: Input) => {
    const form = JSON.stringify(input)
    if (request.current === undefined || !wasSent(input))
      request.current = { form, idempotencyKey: newIdempotencyKey() }
    const { idempotencyKey } = request.current
    const outcome = await submit({ input: { ...input, idempotencyKey } })
    if (outcome.problems === undefined) setAnswered(form)
    return outcome
  }
  return {
    generate,
    /** Whether this has been sent last, even if its answer was lost. */
    wasSent,
    /** Whether this was the last that has started a task. */
    isDone: (input: Input) => answered === JSON.stringify(input),
    isGenerating: isSubmitting,
    startAnew() {
      request.current = undefined
      setAnswered(undefined)
    },
  }
}

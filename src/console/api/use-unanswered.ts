import { useState } from 'react'
import { useService } from './service.tsx'

/**
 * What a form needs so that its request is made once, however often it is sent until there is an answer: also where somebody
 * leaves the form after an answer was lost, and comes back.
 *
 * @param place which form of the page it is, and of what
 */
export function useUnanswered<Values extends object>(place: string) {
  const { unanswered } = useService()
  const [before] = useState(() => unanswered.of(place)?.values as Values | undefined)
  const [isSent, setSent] = useState(false)
  return {
    /** What was in the form when it was left without an answer to its request, if it was. */
    before,
    /** Whether to say so: until the form is sent again. */
    isReminded: before !== undefined && !isSent,
    /** Whether this is what was sent last, without an answer. */
    wasSent: (input: object) => unanswered.of(place)?.input === JSON.stringify(input),
    keyOf(input: object, values: Values) {
      setSent(true)
      return unanswered.keyOf(place, input, values)
    },
    /** To be told what became of the request. */
    heard({ problems = [] }: { problems?: readonly { code: string }[] }) {
      if (!problems.some(({ code }) => code === 'NETWORK')) unanswered.forget(place)
    },
  }
}

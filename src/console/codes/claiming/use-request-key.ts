import { useRef } from 'react'
import { newIdempotencyKey } from '../../api/idempotency.ts'

/**
 * The idempotencyKey of what a form asks for. It stays the same while the form does, so that a second press or a lost
 * answer claims nothing twice; `startAnew` is for when the same is really wanted again.
 */
export function useRequestKey(): { keyOf: (input: object) => string; startAnew: () => void } {
  const last = useRef<{ input: string; key: string }>(undefined)
  return {
    keyOf(input) {
      const asked = JSON.stringify(input)
      if (last.current?.input !== asked) last.current = { input: asked, key: newIdempotencyKey() }
      return last.current.key
    },
    startAnew() {
      last.current = undefined
    },
  }
}

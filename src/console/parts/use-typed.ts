import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'

/** After a pause as long as this, somebody has typed a word, and is thinking about the next one. */
const pauseMs = 300

/** What is typed into a field, which is `kept` once somebody pauses: by the history, which also says what it is at first. */
export function useTyped<Value>(atFirst: Value, keep: (typed: Value) => void) {
  const [typed, setTyped] = useState(atFirst)
  const keepLater = useDebouncedCallback(keep, pauseMs)
  const type = (typed: Value) => {
    setTyped(typed)
    keepLater(typed)
  }
  return {
    typed,
    type,
    /** Types something that is kept without a pause. */
    put(typed: Value) {
      type(typed)
      keepLater.flush()
    },
    /** Keeps what has been typed without waiting for a pause. */
    keepNow: () => keepLater.flush(),
  }
}

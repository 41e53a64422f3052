import { Stack, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { ask } from '../parts/confirm.tsx'
import { text } from '../text.ts'
import { type ClaimedCodesInput, useVoiding } from './voiding.ts'

/**
 * Functions that ask before claimed codes are voided or unvoided, and then do it.
 *
 * @param onDone called after a change
 */
export function useAskToVoid(onDone: () => void = () => {}) {
  const { voidThem, unvoidThem } = useVoiding()
  const words = text.codes.voiding
  return {
    /** `what` says which codes in words: "12 codes", or "all codes for ada@example.com". */
    askToVoid(select: ClaimedCodesInput, what: string) {
      let reason = ''
      ask({
        title: words.title(what),
        children: (
          <Stack>
            {words.body}
            <TextInput
              data-autofocus
              description={text.codes.reasonHint}
              label={text.codes.reason}
              maxLength={1_000}
              onChange={(event) => {
                reason = event.currentTarget.value
              }}
            />
          </Stack>
        ),
        action: words.action(what),
        isDestructive: true,
        act: () => report(voidThem(select, reason), onDone),
      })
    },
    askToUnvoid(select: ClaimedCodesInput, what: string) {
      ask({
        title: words.unvoidTitle(what),
        children: words.unvoidBody,
        action: words.unvoidAction(what),
        act: () => report(unvoidThem(select), onDone),
      })
    },
  }
}

async function report(change: ReturnType<ReturnType<typeof useVoiding>['voidThem']>, onDone: () => void) {
  const { done, problems } = await change
  if (done === undefined) return problems
  notifications.show({ message: done })
  onDone()
  return undefined
}

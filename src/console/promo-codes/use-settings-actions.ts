import { notifications } from '@mantine/notifications'
import { useCallback, useState } from 'react'
import { useProblems } from '../api/problems.tsx'
import type { Problem } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { checkSettings, countOf } from './check-settings.ts'
import { refillAtOnce } from './quantity.ts'
import { settingsFields, valuesOf } from './settings.ts'
import { useGenerate } from './use-generate.ts'
import { type SaveInput, useSave } from './use-save.ts'
import type { SettingsForm } from './use-settings-form.ts'

/** What can be done with the form, and the task that this has started. */
export function useSettingsActions(pool: PoolOfPage, { form, format }: SettingsForm) {
  const problems = useProblems(form, settingsFields)
  const { generate, wasSent, isGenerating, startAnew } = useGenerate()
  const [save, isSaving] = useSave()
  const [started, setStarted] = useState<{ taskId: string; hasEnded: boolean }>()

  /** Whether the form can be sent. Otherwise its fields say why, and the first of them has the focus. */
  const passes = (needsQuantity: boolean, limit?: string) => {
    problems.clear()
    const found = checkSettings(form.getValues(), needsQuantity, limit)
    form.setErrors(found)
    const [first] = Object.keys(found)
    if (first !== undefined) form.getInputNode(first)?.focus()
    return first === undefined
  }

  const saveAndGenerate = async () => {
    const { formatId, quantity, autoGenerate, refillThreshold } = form.getValues()
    const input = {
      poolId: pool.id,
      formatId: formatId ?? '',
      quantity: countOf(quantity) ?? '',
      saveSettings: { autoGenerate, refillThreshold: countOf(refillThreshold) ?? '' },
    }
    // If the answer was lost, the request may have reserved the last codes already.
    if (!passes(true, wasSent(input) ? undefined : format?.availableForGeneration)) return
    // The task before it would look like this one.
    setStarted(undefined)
    const outcome = await generate(input)
    if (outcome.problems === undefined) setStarted({ taskId: outcome.payload.task.id, hasEnded: false })
    else problems.show(outcome.problems.map(withAdvice))
  }

  const saveNow = async (input: SaveInput) => {
    const outcome = await save({ input })
    if (outcome.problems !== undefined) {
      problems.show(outcome.problems)
      return outcome.problems
    }
    const { pool: saved, refill } = outcome.payload
    form.setValues(valuesOf(saved.replenishment))
    if (refill !== null) setStarted({ taskId: refill.id, hasEnded: false })
    notifications.show({ message: text.promoCodes.saved })
    return undefined
  }

  const saveOnly = async () => {
    if (!passes(false)) return
    const { method, formatId, quantity, autoGenerate, refillThreshold } = form.getValues()
    const input = {
      poolId: pool.id,
      method,
      formatId,
      quantity: countOf(quantity),
      autoGenerate: autoGenerate && method === 'GENERATE',
      refillThreshold: countOf(refillThreshold) ?? '0',
    }
    const refill = input.autoGenerate
      ? refillAtOnce({
          available: BigInt(pool.availableCount),
          threshold: BigInt(input.refillThreshold),
          quantity: BigInt(input.quantity ?? '1'),
        })
      : 0n
    if (refill === 0n) await saveNow(input)
    else
      ask({
        title: text.promoCodes.refillTitle,
        children: text.promoCodes.refillQuestion({
          available: pool.availableCount,
          threshold: input.refillThreshold,
          refill,
          left: BigInt(format?.availableForGeneration ?? '0'),
        }),
        action: text.promoCodes.refillAction,
        act: () => saveNow(input),
      })
  }

  const onEnd = useCallback(() => {
    setStarted((task) => task && { ...task, hasEnded: true })
    startAnew()
  }, [startAnew])

  return { saveAndGenerate, saveOnly, isGenerating, isSaving, started, onEnd, alert: problems.alert }
}

/** After an answer that was lost, the same press again is safe. Nobody else would know. */
function withAdvice(problem: Problem): Problem {
  return problem.code === 'NETWORK' ? { ...problem, message: text.promoCodes.lostAnswer } : problem
}

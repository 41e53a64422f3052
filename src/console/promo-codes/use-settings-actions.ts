import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { useProblems } from '../api/problems.tsx'
import { ask } from '../parts/confirm.tsx'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { checkSettings, typedCount } from './check-settings.ts'
import { refillAtOnce } from './quantity.ts'
import { type SettingsValues, settingsFields, settingsValuesOf } from './settings.ts'
import { useGenerate } from './use-generate.ts'
import { type SaveInput, useSave } from './use-save.ts'
import type { SettingsFormState } from './use-settings-form.ts'

/** What can be done with the form, and the task that this has started. */
export function useSettingsActions(pool: PoolOfPage, { form, format, unanswered }: SettingsFormState) {
  const problems = useProblems(form, settingsFields)
  const { generate, isDone, isGenerating, startAnew } = useGenerate(unanswered)
  const [save, isSaving] = useSave()
  const [started, setStarted] = useState<string>()

  /** Whether the form can be sent. Otherwise its fields say why, and the first of them has the focus. */
  const passes = (needsQuantity: boolean, limit?: string) => {
    problems.clear()
    const found = checkSettings(form.getValues(), needsQuantity, limit)
    form.setErrors(found)
    const [first] = Object.keys(found)
    if (first !== undefined) form.getInputNode(first)?.focus()
    return first === undefined
  }

  const inputOf = ({ formatId, quantity, autoGenerate, refillThreshold }: SettingsValues) => ({
    poolId: pool.id,
    formatId: formatId ?? '',
    quantity: typedCount(quantity) ?? '',
    saveSettings: { autoGenerate, refillThreshold: typedCount(refillThreshold) ?? '' },
  })

  const saveAndGenerate = async () => {
    const input = inputOf(form.getValues())
    // If the answer was lost, the request may have reserved the last codes already.
    if (!passes(true, unanswered.wasSent(input) ? undefined : format?.availableForGeneration)) return
    if (!isDone(input)) return await generateNow(input)
    ask({
      title: text.promoCodes.anotherTitle(input.quantity),
      children: text.promoCodes.another(input.quantity),
      action: text.promoCodes.anotherAction(input.quantity),
      leadsOn: true,
      async act() {
        startAnew()
        await generateNow(input)
        return undefined
      },
    })
  }

  const generateNow = async (input: ReturnType<typeof inputOf>) => {
    // The task before it would look like this one.
    setStarted(undefined)
    const outcome = await generate(input, { values: form.getValues(), format })
    if (outcome.problems === undefined) setStarted(outcome.payload.task.id)
    else problems.show(outcome.problems)
  }

  const saveNow = async (input: SaveInput) => {
    const outcome = await save({ input })
    if (outcome.problems !== undefined) {
      problems.show(outcome.problems)
      return outcome.problems
    }
    const { pool: saved, refill } = outcome.payload
    form.setValues(settingsValuesOf(saved.replenishment))
    if (refill !== null) setStarted(refill.id)
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
      quantity: typedCount(quantity),
      autoGenerate: autoGenerate && method === 'GENERATE',
      refillThreshold: typedCount(refillThreshold) ?? '0',
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
        leadsOn: true,
        act: () => saveNow(input),
      })
  }

  const filled = inputOf(form.values)
  return {
    saveAndGenerate,
    saveOnly,
    isGenerating,
    isSaving,
    /** The id of the task that was started last. */
    started,
    /** How many codes were asked for with what the form has now, if that is what it did last. */
    justAsked: isDone(filled) ? filled.quantity : undefined,
    alert: problems.alert,
  }
}

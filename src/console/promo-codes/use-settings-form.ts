import { type UseFormReturnType, useForm } from '@mantine/form'
import { useEffect, useRef, useState } from 'react'
import type { FormatOfPage } from '../formats/format-details.ts'
import { useLiveFormat } from '../formats/live-format.ts'
import { areSame, type Settings, type SettingsValues, settingsValuesOf } from './settings.ts'
import { useUnansweredGeneration } from './use-generate.ts'

export interface SettingsFormState {
  form: UseFormReturnType<SettingsValues>
  /** The format that is chosen, with its counts as they are now. */
  format: FormatOfPage | undefined
  choose: (format: FormatOfPage) => void
  hasChanges: boolean
  discard: () => void
  unanswered: ReturnType<typeof useUnansweredGeneration>
}

/**
 * The form of a pool's Promo Codes section. Where nothing was changed, it follows what others save. If the answer to its
 * request was lost, it begins with what was sent.
 */
export function useSettingsForm(poolId: string, saved: Settings): SettingsFormState {
  const unanswered = useUnansweredGeneration(poolId)
  const { before } = unanswered
  const form = useForm({ initialValues: before?.values ?? settingsValuesOf(saved) })
  const [chosen, setChosen] = useState(before?.format ?? saved.format ?? undefined)
  const base = useRef(saved)
  const { setValues } = form
  const values = form.getValues()
  useEffect(() => {
    const before = settingsValuesOf(base.current)
    base.current = saved
    const now = settingsValuesOf(saved)
    if (areSame(before, now) || !areSame(values, before)) return
    setValues(now)
    setChosen(saved.format ?? undefined)
  }, [saved, values, setValues])
  const { formatId } = values
  const [{ data }] = useLiveFormat(formatId)
  const known = [data?.format, chosen, saved.format].find((format) => format?.id === formatId)
  return {
    form,
    format: formatId === null ? undefined : (known ?? undefined),
    choose(format) {
      setChosen(format)
      form.setFieldValue('formatId', format.id)
    },
    hasChanges: !areSame(values, settingsValuesOf(saved)),
    discard() {
      form.setValues(settingsValuesOf(saved))
      form.clearErrors()
    },
    unanswered,
  }
}

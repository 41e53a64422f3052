import type { FormErrors } from '@mantine/form'
import { readCount } from '../intl.ts'
import { text } from '../text.ts'
import { quantityProblem, thresholdProblem } from './quantity.ts'
import type { SettingsValues } from './settings.ts'

/** What keeps the form from being sent, by field. With `available`, for generating; without, for saving only. */
export function checkSettings(values: SettingsValues, available?: string): FormErrors {
  const { method, formatId, quantity, autoGenerate, refillThreshold } = values
  const needsQuantity = available !== undefined || autoGenerate || quantity.trim() !== ''
  const generates = method === 'GENERATE'
  const found = {
    formatId: generates && formatId === null ? text.promoCodes.noFormat : undefined,
    quantity: generates && needsQuantity ? quantityProblem(quantity, available) : undefined,
    refillThreshold: thresholdProblem(refillThreshold),
  }
  return Object.fromEntries(Object.entries(found).filter(([, problem]) => problem !== undefined))
}

/** A count of the form as the API takes it. Null while it is empty or not a count. */
export function countOf(typed: string): string | null {
  return readCount(typed)?.toString() ?? null
}

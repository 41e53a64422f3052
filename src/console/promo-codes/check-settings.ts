import type { FormErrors } from '@mantine/form'
import { readWhole } from '../intl.ts'
import { text } from '../text.ts'
import { quantityProblem, thresholdProblem } from './quantity.ts'
import type { SettingsValues } from './settings.ts'

/** What keeps the form from being sent, by field. `limit`: how many codes the format can generate, if that is known. */
export function checkSettings(values: SettingsValues, needsQuantity: boolean, limit?: string): FormErrors {
  const { method, formatId, quantity, autoGenerate, refillThreshold } = values
  const checksQuantity = needsQuantity || autoGenerate || quantity.trim() !== ''
  const generates = method === 'GENERATE'
  const found = {
    formatId: generates && formatId === null ? text.promoCodes.noFormat : undefined,
    quantity: generates && checksQuantity ? quantityProblem(quantity, limit) : undefined,
    refillThreshold: generates ? thresholdProblem(refillThreshold) : undefined,
  }
  return Object.fromEntries(Object.entries(found).filter(([, problem]) => problem !== undefined))
}

/** A whole number of the form as the API takes it. Null while it is empty or not one. */
export function typedCount(typed: string): string | null {
  return readWhole(typed)?.toString() ?? null
}

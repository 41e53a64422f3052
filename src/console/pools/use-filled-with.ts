import type { UseFormReturnType } from '@mantine/form'
import { useEffect, useRef } from 'react'

/**
 * Keeps a form up to date with the values that the service has. A field that somebody is changing stays as it is: saving then
 * replaces what another has saved meanwhile.
 */
export function useFilledWith<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  values: Values,
): void {
  const current = JSON.stringify(values)
  const filled = useRef(current)
  useEffect(() => {
    if (filled.current === current) return
    filled.current = current
    const kept = Object.entries(form.getValues()).filter(([name]) => form.isDirty(name))
    form.setInitialValues(values)
    form.setValues({ ...values, ...Object.fromEntries(kept) })
  })
}

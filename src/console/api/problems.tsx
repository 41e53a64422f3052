import { Alert } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useState } from 'react'
import type { Problem } from './read-problems.ts'

interface FormProblems {
  /** Shows each problem at its field, and those without one in `alert`. */
  show(problems: readonly Problem[]): void
  clear(): void
  /** The problems that belong to no field of the form. */
  alert: React.ReactNode
}

/**
 * Puts what the API says about an input to the fields of a form.
 *
 * @param fields the form's field for a path of the input, where the two have different names
 */
export function useProblems<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  fields: Readonly<Record<string, string>> = {},
): FormProblems {
  const [others, setOthers] = useState<readonly Problem[]>([])
  return {
    show(problems) {
      const fieldOf = ({ path }: Problem) => fields[path] ?? path
      const isField = (problem: Problem) => fieldOf(problem) in form.getValues()
      for (const [field, found] of Map.groupBy(problems.filter(isField), fieldOf))
        form.setFieldError(field, found.map(({ message }) => message).join(' '))
      setOthers(problems.filter((problem) => !isField(problem)))
    },
    clear: () => setOthers([]),
    alert: <Problems of={others} />,
  }
}

/** Problems as an alert, which screen readers announce. Nothing if there are none. */
export function Problems({ of: problems }: { of: readonly Problem[] }) {
  if (problems.length === 0) return null
  return (
    <Alert color="red" role="alert" variant="light">
      {problems.map(({ message }) => (
        <div key={message}>{message}</div>
      ))}
    </Alert>
  )
}

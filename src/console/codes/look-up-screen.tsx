import { useEntryKey } from '../parts/entry-state.ts'
import { useMay } from '../shell/viewer.tsx'
import { LookUpForm } from './look-up/look-up-form.tsx'
import { Till } from './look-up/till.tsx'

/** What is known of a code. A key that may redeem, but not look codes up, gets a till. */
export function LookUpScreen() {
  // The lists of the form lead back to it, with one of their codes.
  const entry = useEntryKey()
  return useMay('READ') ? <LookUpForm key={entry} /> : <Till />
}

import { useMay } from '../shell/viewer.tsx'
import { LookUpForm } from './look-up/look-up-form.tsx'
import { Till } from './look-up/till.tsx'

/** What is known of a code. A key that only redeems may not look codes up, so it gets a till. */
export function LookUpScreen() {
  return useMay('READ') ? <LookUpForm /> : <Till />
}

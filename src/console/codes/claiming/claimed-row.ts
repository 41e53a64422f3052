/** A code that has been claimed. */
export interface ClaimedRow {
  code: string
  recipient: string | null
  /** Whether the recipient had it before, so that nothing was claimed. */
  alreadyHeld: boolean
}

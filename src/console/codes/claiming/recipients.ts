import { count } from '../../intl.ts'
import { text } from '../../text.ts'

/** What the API takes at once. */
export const maxRecipients = 10_000
const maxRecipientLength = 1_000
/** Of the list in a request of 1,000,000 bytes. */
const maxListBytes = 990_000
/** Of a file of recipients: more cannot be a list that fits. */
export const maxFileBytes = 2_000_000

export interface RecipientList {
  recipients: readonly string[]
  /** How many lines repeat an earlier one. */
  repeatedCount: number
  /** Why the list cannot be sent. */
  problem: string | undefined
}

/** The recipients in a text: one in each line, without blank lines and the spaces at the ends of lines. */
export function readRecipients(lines: string): RecipientList {
  const recipients = lines
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return {
    recipients,
    repeatedCount: recipients.length - new Set(recipients).size,
    problem: problemOf(recipients),
  }
}

/**
 * The recipients of lines that seem to have several each: email addresses with commas, semicolons or tabs between them, or
 * anything with these where there is only one line.
 */
export function splitLines(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const parts = line
      .split(/[,;\t]/)
      .map((part) => part.trim())
      .filter((part) => part !== '')
    const areSeveral = parts.length > 1 && (lines.length === 1 || parts.every((part) => part.includes('@')))
    return areSeveral ? parts : [line]
  })
}

function problemOf(recipients: readonly string[]): string | undefined {
  const words = text.codes.claim
  if (recipients.length > maxRecipients) return words.tooManyRecipients(count(maxRecipients))
  const long = recipients.find((recipient) => [...recipient].length > maxRecipientLength)
  if (long !== undefined) return words.recipientTooLong(`${long.slice(0, 30)}…`)
  const bytes = new TextEncoder().encode(JSON.stringify(recipients)).length
  return bytes > maxListBytes ? words.listTooLong : undefined
}

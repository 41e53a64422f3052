import { isUsualName } from '../../codefile/column-names.ts'
import { columnName } from '../../codefile/read.ts'
import { grouped } from '../../grouped.ts'
import type { Task } from '../generation/task.ts'

/** Sentences for people about a completed upload. `quotesRows`: for those who may see rows of the file. */
export function uploadWarnings(upload: Task, { quotesRows }: { quotesRows: boolean }): string[] {
  const { status, dryRun, layout, rowsRead, accepted, duplicatesInAccount, refused } = upload
  if (status !== 'COMPLETED') return []
  const warnings: string[] = []
  const name = layout && columnName(layout)
  const isGiven = upload.header !== undefined || upload.column !== undefined
  if (!isGiven && name !== undefined && !isUsualName(name))
    warnings.push(
      `Row ${layout?.headerRow}${quotesRows ? `, "${name}",` : ''} was taken for the header because it looks like none of ` +
        'the rows below it. If it is a code, upload it in a separate file, and say that the file has no header.',
    )
  const rows = (count: bigint) => `${grouped(count)} ${count === 1n ? 'row' : 'rows'}`
  if (accepted === 0n && rowsRead > 0n)
    warnings.push(
      `${dryRun ? 'Nothing would be added' : 'Nothing was added'}: ` +
        (duplicatesInAccount + upload.duplicatesInFile === rowsRead
          ? 'every code of the file is already in the account.'
          : 'every code of the file is already in the account, or was refused.'),
    )
  if (refused > 0n)
    warnings.push(
      `Of ${rows(rowsRead)}, ${grouped(refused)} ${refused === 1n ? 'was' : 'were'} refused. The rejected rows have the reasons.`,
    )
  return warnings
}

import type { TaskFailureCode } from '../../generated/prisma/client.ts'

/** Why a task has failed. The message is for people; that of an upload may quote rows of its file. */
export interface TaskFailure {
  code: TaskFailureCode
  message: string
}

const reasons: Readonly<Record<Exclude<TaskFailureCode, 'INTERNAL'>, string>> = {
  UNREADABLE_FILE: 'The file cannot be read as a list of codes.',
  HEADER_UNCLEAR: 'The first row of the file may be a header or a code.',
  ALL_ROWS_REFUSED: 'All rows of the file were refused, so there is nothing to add.',
}

/** The message for those who may not see rows of the file: these may be codes that anybody could use. */
export function messageWithoutRows({ code, message }: TaskFailure): string {
  if (code === 'INTERNAL') return message
  return `${reasons[code]} The whole message may quote rows of the file, so it takes a key with MANAGE to read it.`
}

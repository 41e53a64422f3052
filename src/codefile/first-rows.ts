/** How many rows and codes a `FileBeginning` has at most. */
export const maxFirstRows = 6
export const maxFirstCodes = 5

/** How a file begins, to be shown to people. */
export interface FileBeginning {
  /** The first rows that are not blank, a title and the header included. */
  rows: FirstRow[]
  /** The first codes, whether they are new or not. None if no column could be found. */
  codes: string[]
}

/** A row as a spreadsheet numbers it, with its first cells, shortened. */
export interface FirstRow {
  number: number
  cells: string[]
}

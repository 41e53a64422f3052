/** A row that another one refers to. Throws if there is none, which the foreign keys of the database rule out. */
export function existing<Row>(row: Row | null): Row {
  if (row === null) throw new Error('A row that another row refers to does not exist.')
  return row
}

/** The nil UUID: no id equals it, and all are greater. */
export const nilId = '00000000-0000-0000-0000-000000000000'

import { useMediaQuery } from '@mantine/hooks'

/** Whether tables of several columns do not fit, as on a phone. */
export const useIsNarrow = () =>
  useMediaQuery('(max-width: 37.5em)', false, { getInitialValueInEffect: false })

export const maxReasonLength = 1_000

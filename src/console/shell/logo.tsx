/** A coupon. */
export function Logo() {
  return (
    <svg aria-hidden="true" height="26" viewBox="0 0 40 40" width="26">
      <path d="M4 10h32v7a3 3 0 0 0 0 6v7H4v-7a3 3 0 0 0 0-6z" fill="var(--mantine-primary-color-filled)" />
      <path d="M25 11v18" stroke="#fff" strokeDasharray="3 3" strokeWidth="2" />
      <path d="M10 17h10M10 23h7" stroke="#fff" strokeWidth="2.5" />
    </svg>
  )
}

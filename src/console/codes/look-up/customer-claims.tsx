import { RecipientClaims, useRecipientClaims } from '../recipient-claims.tsx'

/** Everything that a customer has, in all pools. */
export function CustomerClaims({
  recipient,
  search,
}: {
  recipient: string
  search: (recipient: string) => void
}) {
  return <RecipientClaims found={useRecipientClaims(recipient)} search={search} />
}

/** What the account that the first start creates is called. */
export const firstAccountName = 'First account'

/** What the key with all scopes is called that each account begins with. */
export const firstKeyName = 'First key'

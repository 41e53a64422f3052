/** What somebody looks for. */
export interface Sought {
  typed: string
  /** What it is said to be. Undefined until somebody says it: then what is typed tells. */
  kind?: Kind | undefined
  /** Whether it is looked up however short it is: by a link. */
  isAskedFor?: boolean
}

type Kind = 'code' | 'customer' | 'order'

export function kindOf({ typed, kind }: Sought): Kind {
  return kind ?? (typed.includes('@') ? 'customer' : 'code')
}

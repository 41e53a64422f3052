import { useSearchParams } from 'react-router'
import { useChangeAddress } from '../parts/entry-state.ts'

export const shows = ['all', 'ready', 'low', 'empty', 'archived'] as const
export type Show = (typeof shows)[number]

/** Which pools to list. It is in the address, so that it is there again after going back or signing in again. */
export interface PoolListFilter {
  search: string
  show: Show
}

export function useFilter(): [PoolListFilter, (changes: Partial<PoolListFilter>) => void] {
  const [params] = useSearchParams()
  const changeAddress = useChangeAddress()
  const filter: PoolListFilter = {
    search: params.get('search') ?? '',
    show: shows.find((show) => show === params.get('show')) ?? 'all',
  }
  const change = (changes: Partial<PoolListFilter>) => {
    const { search, show } = { ...filter, ...changes }
    changeAddress({ ...(search !== '' && { search }), ...(show !== 'all' && { show }) })
  }
  return [filter, change]
}

const statuses = { all: null, ready: ['READY'], low: ['LOW'], empty: ['EMPTY'], archived: null } as const

/** The arguments of `pools`. */
export function argumentsOf({ search, show }: PoolListFilter) {
  return {
    search: search === '' ? null : search,
    status: statuses[show] === null ? null : [...statuses[show]],
    archived: show === 'archived',
  }
}

import { createContext, useContext } from 'react'
import type { Client } from 'urql'
import { PoolUpload } from './pool-upload.ts'

/** The uploads of the page, one for each pool at a time. They are kept while other screens are shown. */
export class Uploads {
  readonly #client: Client
  readonly #ofPools = new Map<string, PoolUpload>()

  constructor(client: Client) {
    this.#client = client
  }

  of(poolId: string): PoolUpload {
    const upload = this.#ofPools.get(poolId) ?? new PoolUpload(this.#client, poolId)
    this.#ofPools.set(poolId, upload)
    return upload
  }
}

export const UploadsContext = createContext<Uploads | undefined>(undefined)

export function usePoolUpload(poolId: string): PoolUpload {
  const uploads = useContext(UploadsContext)
  if (uploads === undefined) throw new Error('Files are uploaded only within a session.')
  return uploads.of(poolId)
}

import type { PoolOfPage } from '../pools/pool-of-page.ts'

/** The method "Upload from a file" of a pool's Promo Codes section: from choosing a file to what became of it. */
export function UploadSection(_props: { pool: PoolOfPage }) {
  return null
}

import pg from 'pg'
import { expect, it, vi } from 'vitest'
import { DatabaseUnavailableError } from '../../src/database/errors.ts'
import { Reach } from '../../src/database/reach.ts'
import { LogLines } from '../support/log-lines.ts'

const accountId = '00000000-0000-0000-0000-000000000001'
const lost = new DatabaseUnavailableError(new Error('Connection terminated'))

/** A database whose answer to all that it is asked is an error. */
function failingReach(error: Error) {
  const connections = new pg.Pool()
  vi.spyOn(connections, 'query').mockImplementation(() => {
    throw error
  })
  const log = new LogLines('info')
  return { reach: new Reach({ connections, log: log.log }), log }
}

it('takes no account for lost if it cannot find out, and logs why', async () => {
  for (const code of ['55P03', '57014', 'XX000', '55000']) {
    const { reach, log } = failingReach(Object.assign(new Error('No.'), { code }))
    expect(await reach.isLost(accountId, lost)).toBe(false)
    expect(log.lines).toMatchObject([{ accountId, err: { code } }])
  }
  const { reach, log } = failingReach(lost)
  expect(await reach.isLost(accountId, lost)).toBe(false)
  expect(log.lines).toEqual([])
})

it('looks for nodes in the background, and logs why it cannot', async () => {
  const { reach, log } = failingReach(Object.assign(new Error('No.'), { code: '55P03' }))
  expect(reach.tryNodes()).toBeUndefined()
  await log.line(({ msg }) => msg.includes('could not find out'))
  expect(reach.nodesAway()).toEqual([])
})

import { randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import type { FindingKind } from '../../../src/domain/audit/audit.ts'
import type { SoundBooks } from '../../support/sound-books.ts'

export interface Damage {
  /** Done to books that were sound, past all constraints. */
  sql: (books: SoundBooks) => string
  /** All that is found, and how often. */
  found: Partial<Record<FindingKind, number>>
  /** What one of the findings says. */
  says: (books: SoundBooks) => string
}

const nowhere = randomUUID()
/** Ids of files begin with the time. */
const neverGiven = 'f0000000-0000-4000-8000-000000000000'
/** The id of a file that arrived three days ago. */
const abandoned = newId({ msecs: Date.now() - 3 * 86_400_000 })

export const damages: Record<string, Damage> = {
  'an account with work is not in the queue': {
    sql: ({ accountId }) => `DELETE FROM queue WHERE account_id = '${accountId}' AND kind = 'GENERATIONS'`,
    found: { queue: 1 },
    says: () => 'it has work for a worker (GENERATIONS), and is not in the queue',
  },
  'a claim in the middle is missing': {
    sql: ({ poolId }) => `DELETE FROM claim WHERE pool_id = '${poolId}' AND first = 4`,
    found: { 'claim-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: positions 4 to 5 are in no claim`,
  },
  'the first claim is missing': {
    sql: ({ poolId }) => `DELETE FROM claim WHERE pool_id = '${poolId}' AND first = 0`,
    found: { 'claim-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: positions 0 to 3 are in no claim`,
  },
  'the last claim is missing': {
    sql: ({ drainedPoolId }) => `DELETE FROM claim WHERE pool_id = '${drainedPoolId}' AND first = 8`,
    found: { 'pool-counters': 1 },
    says: ({ drainedPoolId }) => `pool ${drainedPoolId} counts 12 codes claimed, and its claims end at 8`,
  },
  'two claims have the same codes': {
    sql: ({ poolId }) => `UPDATE claim SET count = 5 WHERE pool_id = '${poolId}' AND first = 0`,
    found: { 'claim-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: positions 4 to 4 are in two claims`,
  },
  'a claim has no codes': {
    sql: ({ poolId }) =>
      `INSERT INTO claim SELECT account_id, id, 10, 0, NULL, last_change_at, 1 FROM pool WHERE id = '${poolId}'`,
    found: { 'claim-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: the claim at 10 is of 0 codes`,
  },
  'a claim has no pool': {
    sql: ({ accountId }) => `INSERT INTO claim VALUES ('${accountId}', '${nowhere}', 0, 1, NULL, now(), 1)`,
    found: { 'claim-reference': 1 },
    says: () => `pool ${nowhere} does not exist, and has claims from 0 on`,
  },
  'more was claimed than there was': {
    sql: ({ poolId }) => `
      INSERT INTO claim SELECT account_id, id, 10, 21, NULL, last_change_at, 1 FROM pool WHERE id = '${poolId}';
      UPDATE pool SET claimed = 31 WHERE id = '${poolId}'`,
    found: { 'pool-counters': 1 },
    says: ({ poolId }) => `pool ${poolId} has handed out 31 codes of 30`,
  },
  'a pool counts more claimed than its claims': {
    sql: ({ poolId }) => `UPDATE pool SET claimed = 11 WHERE id = '${poolId}'`,
    found: { 'pool-counters': 1 },
    says: ({ poolId }) => `pool ${poolId} counts 11 codes claimed, and its claims end at 10`,
  },
  'a pool counts more than its batches': {
    sql: ({ poolId }) => `UPDATE pool SET total = 31 WHERE id = '${poolId}'`,
    found: { 'pool-counters': 1, 'stock-line': 1 },
    says: ({ poolId }) => `pool ${poolId} counts 31 codes in all, and its batches end at 30`,
  },
  'a pool counts more withdrawn than its batches': {
    sql: ({ withdrawn: { poolId } }) => `UPDATE pool SET withdrawn = 3 WHERE id = '${poolId}'`,
    found: { 'pool-counters': 1 },
    says: ({ withdrawn: { poolId } }) =>
      `pool ${poolId} counts 3 codes withdrawn, and their batches end at 5`,
  },
  'a withdrawn batch has moved': {
    sql: ({ withdrawn: { poolId } }) => `
      UPDATE batch SET start = 5 WHERE pool_id = '${poolId}' AND withdrawn AND start = 4;
      UPDATE pool SET withdrawn = 6 WHERE id = '${poolId}'`,
    found: { 'batch-line': 1, 'stock-line': 1 },
    says: ({ withdrawn: { poolId } }) => `pool ${poolId}, withdrawn: positions 4 to 4 are in no batch`,
  },
  'a code of an upload was withdrawn, and is in the line': {
    sql: ({ withdrawn: { poolId } }) => `
      UPDATE batch SET first = 1 WHERE pool_id = '${poolId}' AND withdrawn AND start = 0`,
    found: { 'upload-line': 2 },
    says: ({ withdrawn: { uploadId } }) => `upload ${uploadId}: rows 1 to 1 are in two batches`,
  },
  'a withdrawn batch has no task': {
    sql: ({ withdrawn: { poolId } }) => `
      UPDATE batch SET task_id = '${nowhere}' WHERE pool_id = '${poolId}' AND withdrawn AND start = 0`,
    found: { 'batch-reference': 1, 'task-codes': 1, 'upload-line': 2 },
    says: ({ withdrawn: { poolId } }) =>
      `the withdrawn batch at 0 of pool ${poolId} is of task ${nowhere}, which does not exist`,
  },
  'the last change of stock is missing': {
    sql: ({ withdrawn: { poolId } }) => `DELETE FROM stock_change WHERE pool_id = '${poolId}' AND number = 5`,
    found: { 'stock-line': 1 },
    says: ({ withdrawn: { poolId } }) =>
      `pool ${poolId} counts 2 codes in all, and its last change of stock says 7`,
  },
  'a pool has never had a change of stock': {
    sql: ({ withdrawn: { poolId } }) => `DELETE FROM stock_change WHERE pool_id = '${poolId}'`,
    found: { 'stock-line': 1 },
    says: ({ withdrawn: { poolId } }) =>
      `pool ${poolId} counts 2 codes in all, and its last change of stock says 0`,
  },
  'a change of stock in the middle is missing': {
    sql: ({ poolId }) => `DELETE FROM stock_change WHERE pool_id = '${poolId}' AND number = 2`,
    found: { 'stock-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: the change of stock 3 comes after 1`,
  },
  'the first change of stock is missing': {
    sql: ({ poolId }) => `DELETE FROM stock_change WHERE pool_id = '${poolId}' AND number = 1`,
    found: { 'stock-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: the change of stock 2 comes after 0`,
  },
  'a change of stock has taken back what was added': {
    sql: ({ poolId }) =>
      `UPDATE stock_change SET added = 31, total = 31 WHERE pool_id = '${poolId}' AND number = 2`,
    found: { 'stock-line': 1 },
    says: ({ poolId }) =>
      `pool ${poolId}: by the change of stock 3, 30 codes have been added and it has 30; before, 31 had been added`,
  },
  'a pool has more than was added': {
    sql: ({ withdrawn: { poolId } }) =>
      `UPDATE stock_change SET added = 6 WHERE pool_id = '${poolId}' AND number = 5`,
    found: { 'stock-line': 2 },
    says: ({ withdrawn: { poolId } }) =>
      `pool ${poolId} has 2 codes and 5 withdrawn ones, and only 6 have been added`,
  },
  'a change of stock has no pool': {
    sql: ({ accountId }) => `INSERT INTO stock_change VALUES ('${accountId}', '${nowhere}', 1, now(), 0, 0)`,
    found: { 'stock-line': 1 },
    says: () => `pool ${nowhere} does not exist, and has a change of stock`,
  },
  'a change of stock is older than the one before': {
    sql: ({ poolId }) =>
      `UPDATE stock_change SET at = '2026-01-01T00:00Z' WHERE pool_id = '${poolId}' AND number = 3`,
    found: { 'line-times': 1 },
    says: ({ poolId }) => `the change of stock 3 of pool ${poolId} is of 2026-01-01 00:00:00+00`,
  },
  'a claim is older than the one before': {
    sql: ({ poolId }) =>
      `UPDATE claim SET at = '2026-01-01T00:00Z' WHERE pool_id = '${poolId}' AND first = 6`,
    found: { 'line-times': 1 },
    says: ({ poolId }) => `the claim at 6 of pool ${poolId} is of 2026-01-01 00:00:00+00`,
  },
  'a pool has a claim after its last change': {
    sql: ({ poolId }) => `UPDATE pool SET last_change_at = '2026-01-01T00:00Z' WHERE id = '${poolId}'`,
    found: { 'line-times': 1 },
    says: ({ poolId }) =>
      `the last change of pool ${poolId} was at 2026-01-01 00:00:00+00, and it has a claim of `,
  },
  'a pool does not say when it last changed': {
    sql: ({ holedPoolId }) => `UPDATE pool SET last_change_at = NULL WHERE id = '${holedPoolId}'`,
    found: { 'line-times': 1 },
    says: ({ holedPoolId }) =>
      `the last change of pool ${holedPoolId} was at no time, and it has a claim of no time and a change of stock of `,
  },
  'a pool stops handing out codes before it starts': {
    sql: ({ poolId }) => `
      UPDATE pool SET issue_from = '2026-01-02T00:00Z', issue_until = '2026-01-02T00:00Z', valid_until = '2026-01-03T00:00Z'
      WHERE id = '${poolId}'`,
    found: { 'pool-terms': 1 },
    says: ({ poolId }) =>
      `pool ${poolId} hands out codes from 2026-01-02 00:00:00+00 on, and until 2026-01-02 00:00:00+00`,
  },
  'the codes of a pool are never good': {
    sql: ({ poolId }) => `UPDATE pool SET valid_for_ms = 0 WHERE id = '${poolId}'`,
    found: { 'pool-terms': 1 },
    says: ({ poolId }) => `pool ${poolId} has codes that are good for 0 ms`,
  },
  'a pool has no usage': {
    sql: ({ drainedPoolId }) => `DELETE FROM pool_usage WHERE pool_id = '${drainedPoolId}'`,
    found: { 'pool-usage': 1 },
    says: ({ drainedPoolId }) => `pool ${drainedPoolId} has no row of usage`,
  },
  'usage has no pool': {
    sql: ({ accountId }) => `INSERT INTO pool_usage VALUES ('${accountId}', '${nowhere}')`,
    found: { 'pool-usage': 1 },
    says: () => `pool ${nowhere} does not exist, and has a row of usage`,
  },
  'a pool counts more redeemed than its redemptions': {
    sql: ({ poolId }) => `UPDATE pool_usage SET redeemed = 2 WHERE pool_id = '${poolId}'`,
    found: { 'pool-usage': 1 },
    says: ({ poolId }) => `pool ${poolId} counts 2 codes redeemed, and has 1 redemptions`,
  },
  'a pool counts fewer void than its voids': {
    sql: ({ poolId }) => `UPDATE pool_usage SET voided = 2 WHERE pool_id = '${poolId}'`,
    found: { 'pool-usage': 1 },
    says: ({ poolId }) => `pool ${poolId} counts 2 codes void, and its voids are of 3`,
  },
  'a redemption is counted in another quarter of an hour': {
    sql: ({ poolId }) =>
      `UPDATE redemption_count SET quarter = quarter - interval '1 hour' WHERE pool_id = '${poolId}'`,
    found: { 'redemption-counts': 2 },
    says: ({ poolId }) => `pool ${poolId} counts 0 redemptions in the quarter of an hour from `,
  },
  'redemptions are counted of no pool': {
    sql: ({ accountId }) =>
      `INSERT INTO redemption_count VALUES ('${accountId}', '${nowhere}', '2026-01-31T12:30Z', 1)`,
    found: { 'redemption-counts': 1 },
    says: () => `pool ${nowhere} does not exist, and has its redemptions counted`,
  },
  'a code that was not claimed is redeemed': {
    sql: ({ poolId }) => `UPDATE redemption SET position = 10 WHERE position = 4 AND pool_id = '${poolId}'`,
    found: { 'redemption-reference': 1 },
    says: ({ poolId }) => ` is of position 10 of pool ${poolId}, which has 10 codes claimed`,
  },
  'a redemption has no pool': {
    sql: ({ poolId }) =>
      `UPDATE redemption SET pool_id = '${nowhere}' WHERE position = 5 AND pool_id = '${poolId}'`,
    found: { 'redemption-reference': 1, 'usage-versions': 1 },
    says: () => ` is of pool ${nowhere}, which does not exist`,
  },
  'a redemption was rolled back before it was made': {
    sql: ({ poolId }) =>
      `UPDATE redemption SET rolled_back_version = 4 WHERE position = 5 AND pool_id = '${poolId}'`,
    found: { 'usage-versions': 1 },
    says: ({ poolId }) => ` of pool ${poolId} is of version 4, and ended at 4`,
  },
  'a redemption was rolled back, and does not say when': {
    sql: ({ poolId }) =>
      `UPDATE redemption SET rolled_back_at = NULL WHERE position = 5 AND pool_id = '${poolId}'`,
    found: { 'usage-versions': 1 },
    says: () => ` was rolled back at no time, at version 5`,
  },
  'a redemption is of a version to come': {
    sql: ({ poolId }) => `UPDATE redemption SET version = 7 WHERE position = 4 AND pool_id = '${poolId}'`,
    found: { 'usage-versions': 1 },
    says: ({ poolId }) =>
      ` of pool ${poolId} is of version 7, and ended at none; the usage of the pool is at 6`,
  },
  'a void is of a version to come': {
    sql: ({ poolId }) => `UPDATE code_void SET version = 7 WHERE pool_id = '${poolId}' AND first = 7`,
    found: { 'usage-versions': 1 },
    says: ({ poolId }) => `the void at 7 of pool ${poolId} is of version 7, and ended at none`,
  },
  'a void ended before it began': {
    sql: ({ poolId }) =>
      `UPDATE code_void SET unvoided_version = 1 WHERE pool_id = '${poolId}' AND first = 0`,
    found: { 'usage-versions': 1 },
    says: ({ poolId }) => `the void at 0 of pool ${poolId} is of version 1, and ended at 1`,
  },
  'codes that were not claimed are void': {
    sql: ({ poolId }) => `
      UPDATE code_void SET count = 4 WHERE pool_id = '${poolId}' AND first = 7;
      UPDATE pool_usage SET voided = 5 WHERE pool_id = '${poolId}'`,
    found: { 'void-line': 1 },
    says: ({ poolId }) => `the void at 7 of pool ${poolId} is of 4 codes, and 10 are claimed`,
  },
  'a void is of no code': {
    sql: ({ poolId }) => `UPDATE code_void SET count = 0 WHERE pool_id = '${poolId}' AND first = 0`,
    found: { 'void-line': 1 },
    says: ({ poolId }) => `the void at 0 of pool ${poolId} is of 0 codes, and 10 are claimed`,
  },
  'codes are void twice': {
    sql: ({ poolId, accountId }) => `
      INSERT INTO code_void VALUES ('${accountId}', '${poolId}', 8, 1, now(), NULL, 6, NULL);
      UPDATE pool_usage SET voided = 4 WHERE pool_id = '${poolId}'`,
    found: { 'void-line': 1 },
    says: ({ poolId }) => `pool ${poolId}: positions 8 to 8 are void twice`,
  },
  'a void has no pool': {
    sql: ({ accountId }) =>
      `INSERT INTO code_void VALUES ('${accountId}', '${nowhere}', 8, 1, now(), NULL, 6, NULL)`,
    found: { 'void-line': 1, 'usage-versions': 1 },
    says: () => `pool ${nowhere} does not exist, and has voids`,
  },
  'a redeemed code is void': {
    sql: ({ poolId }) => `UPDATE redemption SET position = 8 WHERE pool_id = '${poolId}' AND position = 4`,
    found: { 'redeemed-and-void': 1 },
    says: ({ poolId }) => `the code at 8 of pool ${poolId} is redeemed and void`,
  },
  'a pool is gone': {
    sql: ({ poolId }) => `DELETE FROM pool WHERE id = '${poolId}'`,
    found: {
      'batch-reference': 3,
      'claim-reference': 1,
      'stock-line': 3,
      'pool-usage': 1,
      'redemption-reference': 2,
      'redemption-counts': 1,
      'void-line': 3,
      'task-reference': 7,
      'event-reference': 26,
    },
    says: ({ poolId }) => `pool ${poolId} does not exist, and has a batch at 10`,
  },
  'a pool has a format that does not exist': {
    sql: ({ poolId }) => `UPDATE pool SET format_id = '${nowhere}' WHERE id = '${poolId}'`,
    found: { 'pool-reference': 1 },
    says: ({ poolId }) => `pool ${poolId} has the format ${nowhere}, which does not exist`,
  },
  'a pool refills itself from nothing': {
    sql: ({ drainedPoolId }) => `UPDATE pool SET quantity = NULL WHERE id = '${drainedPoolId}'`,
    found: { 'pool-settings': 1 },
    says: ({ drainedPoolId }) =>
      `pool ${drainedPoolId} is refilled automatically, and does not say with what`,
  },
  'a pool has a threshold below zero': {
    sql: ({ poolId }) => `UPDATE pool SET refill_threshold = -1 WHERE id = '${poolId}'`,
    found: { 'pool-settings': 1 },
    says: ({ poolId }) => `pool ${poolId} has the threshold -1 and the quantity none`,
  },
  'a batch in the middle has moved': {
    sql: ({ poolId }) => `UPDATE batch SET start = 11 WHERE pool_id = '${poolId}' AND start = 10`,
    found: { 'batch-line': 2 },
    says: ({ poolId }) => `pool ${poolId}: positions 10 to 10 are in no batch`,
  },
  'a batch in the middle is missing': {
    sql: ({ poolId }) => `DELETE FROM batch WHERE pool_id = '${poolId}' AND start = 10`,
    found: { 'batch-line': 1, 'format-line': 1, 'format-counters': 1, 'task-codes': 1 },
    says: ({ formatId }) =>
      `format ${formatId}: indices 10 to 19 are passed, and not all of them are of uploaded codes`,
  },
  'two batches have the same positions and codes': {
    sql: ({ poolId }) => `UPDATE batch SET count = 12 WHERE pool_id = '${poolId}' AND start = 10`,
    found: { 'batch-line': 1, 'format-line': 1, 'format-counters': 1, 'task-codes': 1 },
    says: ({ poolId }) => `pool ${poolId}: positions 20 to 21 are in two batches`,
  },
  'two batches have the same codes': {
    sql: ({ poolId }) => `UPDATE batch SET first = 15 WHERE pool_id = '${poolId}' AND start = 20`,
    found: { 'format-line': 2 },
    says: ({ poolId, formatId }) =>
      `format ${formatId}: indices 15 to 19 were generated twice, the second time at 20 of pool ${poolId}`,
  },
  'a batch of one pool has the codes of another': {
    sql: ({ drainedPoolId, formatId }) =>
      `UPDATE batch SET format_id = '${formatId}', first = 5 WHERE pool_id = '${drainedPoolId}' AND start = 0`,
    found: { 'batch-reference': 1, 'format-line': 2, 'format-counters': 2 },
    says: ({ formatId, drainedPoolId }) =>
      `format ${formatId}: indices 5 to 9 were generated twice, the second time at 0 of pool ${drainedPoolId}`,
  },
  'a batch has no task': {
    sql: ({ completed }) => `UPDATE batch SET task_id = '${nowhere}' WHERE task_id = '${completed}'`,
    found: { 'batch-reference': 1, 'task-codes': 1 },
    says: ({ poolId }) => `the batch at 10 of pool ${poolId} is of task ${nowhere}, which does not exist`,
  },
  'a batch is of a task for another pool': {
    sql: ({ completed, uploadId }) =>
      `UPDATE batch SET task_id = '${uploadId}' WHERE task_id = '${completed}'`,
    found: { 'batch-reference': 1, 'task-codes': 2 },
    says: ({ holedPoolId, uploadId }) =>
      `is of task ${uploadId}, which is for pool ${holedPoolId} and format none`,
  },
  'a format is gone': {
    sql: ({ holedFormatId }) => `DELETE FROM format WHERE id = '${holedFormatId}'`,
    found: { 'batch-reference': 2, 'task-reference': 2, 'taken-reference': 1 },
    says: ({ holedFormatId, holedPoolId }) =>
      `the batch at 2 of pool ${holedPoolId} is of format ${holedFormatId}, which does not exist`,
  },
  'a format went on without a batch': {
    sql: ({ formatId }) => `UPDATE format SET next = 31 WHERE id = '${formatId}'`,
    found: { 'format-line': 1 },
    says: ({ formatId }) => `format ${formatId}: indices 30 to 30 are passed`,
  },
  'a format gave up other indices than it passed': {
    sql: ({ accountId, formatId }) => `
      UPDATE format SET next = 40 WHERE id = '${formatId}';
      INSERT INTO given_up (account_id, format_id, first, count, at) VALUES ('${accountId}', '${formatId}', 31, 9, now())`,
    found: { 'format-line': 1 },
    says: ({ formatId }) => `format ${formatId}: indices 30 to 39 are passed`,
  },
  'codes that may have been handed out before a restore are in the stock': {
    sql: ({ poolId }) => `UPDATE batch SET barred = true WHERE pool_id = '${poolId}' AND start = 20`,
    found: { 'batch-reference': 1 },
    says: ({ poolId }) => `the batch at 20 of pool ${poolId} may have been handed out`,
  },
  'a format would generate codes a second time': {
    sql: ({ formatId }) => `UPDATE format SET next = 20 WHERE id = '${formatId}'`,
    found: { 'format-line': 1 },
    says: ({ formatId }) => `format ${formatId}: its next index is 20, and its batches end at 30`,
  },
  'a hole belongs to no uploaded code': {
    sql: ({ holedFormatId }) => `DELETE FROM taken WHERE format_id = '${holedFormatId}' AND index = 2`,
    found: { 'format-line': 1, 'taken-codes': 1 },
    says: ({ holedFormatId }) => `format ${holedFormatId}: 1 indices are left out at 2 of pool `,
  },
  'an uploaded code was generated too': {
    sql: ({ accountId, formatId }) => `INSERT INTO taken VALUES ('${accountId}', '${formatId}', 7)`,
    found: { 'format-line': 1 },
    says: ({ formatId, poolId }) =>
      `format ${formatId}: 1 codes that were uploaded were also generated, at 0 of pool ${poolId}`,
  },
  'a taken index has no format': {
    sql: ({ accountId }) => `INSERT INTO taken VALUES ('${accountId}', '${nowhere}', 7)`,
    found: { 'taken-reference': 1 },
    says: () => `format ${nowhere} does not exist, and has indices taken`,
  },
  'a taken index is beyond its format': {
    sql: ({ accountId, holedFormatId }) => `
      INSERT INTO taken SELECT '${accountId}', id, capacity FROM format WHERE id = '${holedFormatId}';
      UPDATE format SET taken_ahead = 2 WHERE id = '${holedFormatId}'`,
    found: { 'taken-reference': 1 },
    says: ({ holedFormatId }) => `format ${holedFormatId} has `,
  },
  'a format counts more generated than its batches': {
    sql: ({ formatId }) => `UPDATE format SET generated = 31 WHERE id = '${formatId}'`,
    found: { 'format-counters': 1 },
    says: ({ formatId }) => `format ${formatId} counts 31 codes generated, and its batches have 30`,
  },
  'a format reserves more than its tasks wait for': {
    sql: ({ formatId }) => `UPDATE format SET reserved = 11 WHERE id = '${formatId}'`,
    found: { 'format-counters': 1 },
    says: ({ formatId }) => `format ${formatId} reserves 11 codes, and its unfinished tasks wait for 10`,
  },
  'a format counts fewer taken ahead than there are': {
    sql: ({ holedFormatId }) => `UPDATE format SET taken_ahead = 0 WHERE id = '${holedFormatId}'`,
    found: { 'format-counters': 1 },
    says: ({ holedFormatId }) =>
      `format ${holedFormatId} counts 0 uploaded codes ahead of it, and there are 1`,
  },
  'a format has promised more than it has': {
    sql: ({ formatId, waiting }) => `
      UPDATE format SET reserved = capacity WHERE id = '${formatId}';
      UPDATE task SET quantity = (SELECT capacity - 5 FROM format WHERE id = '${formatId}') WHERE id = '${waiting}'`,
    found: { 'format-counters': 1 },
    says: ({ formatId }) => `format ${formatId} has `,
  },
  'a format has no account': {
    sql: () => `
      INSERT INTO format (account_id, id, name, pattern, characters, length, version, key, first_code, capacity)
      SELECT '${nowhere}', id, name, pattern, characters, length, version, key, first_code, capacity
      FROM format LIMIT 1`,
    found: { 'format-reference': 1 },
    says: () => 'is of an account that does not exist',
  },
  'a key was replaced': {
    sql: ({ formatId }) => `UPDATE format SET key = sha256('another') WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} yields other codes than it was created with`,
  },
  'a key was truncated': {
    sql: ({ formatId }) => `UPDATE format SET key = substring(key FOR 16) WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} has no codes any more: The key must have 32 bytes, not 16`,
  },
  'a first code was changed': {
    sql: ({ formatId }) => `UPDATE format SET first_code = reverse(first_code) WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} yields other codes than it was created with`,
  },
  'characters were reordered': {
    sql: ({ formatId }) => `UPDATE format SET characters = reverse(characters) WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} yields other codes than it was created with`,
  },
  'a format is of a version that does not exist': {
    sql: ({ formatId }) => `UPDATE format SET version = 99 WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} has no codes any more: The format is of version 99`,
  },
  'a pattern cannot be read': {
    sql: ({ formatId }) => `UPDATE format SET pattern = 'SALE' WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} has no codes any more: Not a stored pattern: "SALE"`,
  },
  'a capacity was changed': {
    sql: ({ formatId }) => `UPDATE format SET capacity = 1000 WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} says that it has 1000 codes, and its pattern has `,
  },
  'a length was changed': {
    sql: ({ formatId }) => `UPDATE format SET length = 4 WHERE id = '${formatId}'`,
    found: { 'format-codes': 1 },
    says: ({ formatId }) => `format ${formatId} says that its codes have 4 characters, and they have 47`,
  },
  'an uploaded code is missing': {
    sql: ({ uploadId }) => `DELETE FROM uploaded_code WHERE task_id = '${uploadId}' AND "row" = 1`,
    found: { 'upload-rows': 1 },
    says: ({ uploadId }) =>
      `upload ${uploadId}, COMPLETED, has accepted 3 codes, and there are 2, in rows 0 to 2`,
  },
  'an uploaded code cannot be found by its typed key': {
    sql: ({ uploadId }) =>
      `UPDATE uploaded_code SET typed = 'other' WHERE task_id = '${uploadId}' AND "row" = 1`,
    found: { 'upload-keys': 1 },
    says: ({ uploadId }) =>
      `1 uploaded codes are stored with other keys than those they are looked up by, the first in row 1 of upload ${uploadId}`,
  },
  'the last code of an upload is missing': {
    sql: ({ uploads: { reading } }) => `DELETE FROM uploaded_code WHERE task_id = '${reading}' AND "row" = 2`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { reading } }) =>
      `upload ${reading}, RUNNING, has accepted 3 codes, and there are 2, in rows 0 to 1`,
  },
  'an upload that was undone still has a code': {
    sql: ({ accountId, uploads: { undone } }) =>
      `INSERT INTO uploaded_code VALUES ('${accountId}', '${undone}', 0, 'X', 'X')`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { undone } }) =>
      `upload ${undone}, UNDONE, has accepted 3 codes, and there are 1, in rows 0 to 0`,
  },
  'an upload that is cleared away has lost its first row': {
    sql: ({ uploads: { dropped } }) => `DELETE FROM uploaded_code WHERE task_id = '${dropped}' AND "row" = 0`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { dropped } }) =>
      `upload ${dropped}, CANCELLED, has accepted 3 codes, and there are 1, in rows 1 to 1`,
  },
  'a dry run has added a code': {
    sql: ({ accountId, uploads: { dryRun } }) =>
      `INSERT INTO uploaded_code VALUES ('${accountId}', '${dryRun}', 0, 'X', 'X')`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { dryRun } }) => `upload ${dryRun}, RUNNING, has accepted 3 codes, and there are 1`,
  },
  'a dry run has lost a code': {
    sql: ({ uploads: { dryRun } }) =>
      `DELETE FROM dry_run_code WHERE task_id = '${dryRun}' AND code = 'dry-1'`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { dryRun } }) => `upload ${dryRun}, RUNNING, has accepted 3 codes, and has noted 2`,
  },
  'an upload that is no dry run has noted a code': {
    sql: ({ accountId, uploads: { reading } }) =>
      `INSERT INTO dry_run_code VALUES ('${accountId}', '${reading}', 'X')`,
    found: { 'upload-rows': 1 },
    says: ({ uploads: { reading } }) => `upload ${reading}, RUNNING, has accepted 3 codes, and has noted 1`,
  },
  'an upload has read more rows than it counts': {
    sql: ({ uploads: { reading } }) => `UPDATE task SET rows_read = 5 WHERE id = '${reading}'`,
    found: { 'upload-counters': 1 },
    says: ({ uploads: { reading } }) =>
      `upload ${reading} has read 5 rows, and counts 3 accepted and 1 rejected`,
  },
  'a rejected row is missing': {
    sql: ({ uploadId }) => `DELETE FROM rejected_row WHERE task_id = '${uploadId}' AND number = 4`,
    found: { 'upload-counters': 1 },
    says: ({ uploadId }) => `upload ${uploadId} has rejected 2 rows of 5, and lists 1, from 5 to 5`,
  },
  'a rejected row lies before the first row of the file': {
    sql: ({ uploadId }) => `UPDATE rejected_row SET number = 0 WHERE task_id = '${uploadId}' AND number = 5`,
    found: { 'upload-counters': 1 },
    says: ({ uploadId }) => `upload ${uploadId} has rejected 2 rows of 5, and lists 2, from 0 to 4`,
  },
  'a rejected row lies where its file has ended long before': {
    sql: ({ uploadId }) =>
      `UPDATE rejected_row SET number = 1032 * 1000000::bigint + 2 WHERE task_id = '${uploadId}' AND number = 5`,
    found: { 'upload-counters': 1 },
    says: ({ uploadId }) => `upload ${uploadId} has rejected 2 rows of 5, and lists 2, from 4 to 1032000002`,
  },
  'an upload has forgotten its rejected rows, and still has one': {
    sql: ({ accountId, uploads: { forgotten } }) =>
      `INSERT INTO rejected_row VALUES ('${accountId}', '${forgotten}', 4, 'X', 'No.')`,
    found: { 'upload-counters': 1 },
    says: ({ uploads: { forgotten } }) =>
      `upload ${forgotten}, COMPLETED, has forgotten the 1 rows that it has rejected, and lists 1`,
  },
  'an upload forgets its rejected rows while it runs': {
    sql: ({ uploads: { reading } }) => `UPDATE task SET rejected_forgotten = true WHERE id = '${reading}'`,
    found: { 'upload-counters': 1 },
    says: ({ uploads: { reading } }) =>
      `upload ${reading}, RUNNING, has forgotten the 1 rows that it has rejected, and lists 1`,
  },
  'an upload has forgotten its rejected rows, and still has the beginning of its file': {
    sql: ({ uploads: { forgotten } }) =>
      `UPDATE task SET beginning = '{"rows":[],"codes":["X"]}' WHERE id = '${forgotten}'`,
    found: { 'task-state': 1 },
    says: ({ uploads: { forgotten } }) =>
      `task ${forgotten}, a UPLOAD that is COMPLETED, has values that do not fit together`,
  },
  'the file of an upload is left behind': {
    sql: ({ accountId, uploadId }) =>
      `INSERT INTO upload_piece VALUES ('${accountId}', '${uploadId}', 0, '')`,
    found: { 'upload-remains': 1 },
    says: ({ uploadId }) => `upload ${uploadId} has nothing left to be done, and its file is still kept`,
  },
  'a file that never became an upload is left behind': {
    sql: ({ accountId }) =>
      `INSERT INTO upload_piece VALUES ('${accountId}', '${abandoned}', 0, ''), ('${accountId}', '${abandoned}', 1, '')`,
    found: { 'upload-remains': 1 },
    says: () => `the file ${abandoned} has never become an upload, and 2 pieces of it are still kept`,
  },
  'a piece of a file has an id that no file gets': {
    sql: ({ accountId }) => `INSERT INTO upload_piece VALUES ('${accountId}', '${neverGiven}', 0, '')`,
    found: { 'upload-reference': 1 },
    says: () => `1 pieces of a file are of task ${neverGiven}, which is no upload`,
  },
  'no worker would see a running upload': {
    sql: ({ uploads: { dryRun } }) => `
      UPDATE task SET has_work = false WHERE id = '${dryRun}'; DELETE FROM dry_run_code WHERE task_id = '${dryRun}'`,
    found: { 'upload-remains': 1 },
    says: ({ uploads: { dryRun } }) => `upload ${dryRun} is RUNNING, and no worker would see it`,
  },
  'rows that came from files have no upload': {
    sql: ({ accountId, completed }) => `
      INSERT INTO upload_piece VALUES ('${accountId}', '${completed}', 0, '');
      INSERT INTO dry_run_code VALUES ('${accountId}', '${nowhere}', 'X');
      INSERT INTO rejected_row VALUES ('${accountId}', '${nowhere}', 1, 'X', 'No.')`,
    found: { 'upload-reference': 3 },
    says: () => `1 rejected rows are of task ${nowhere}, which is no upload`,
  },
  'a format could generate an uploaded code': {
    sql: ({ holedFormatId }) => `
      DELETE FROM taken WHERE format_id = '${holedFormatId}' AND index = 9;
      UPDATE format SET taken_ahead = 0 WHERE id = '${holedFormatId}'`,
    found: { 'taken-codes': 1 },
    says: ({ holedFormatId, uploadId }) =>
      `format ${holedFormatId} can produce 1 uploaded codes whose indices are not taken, the first in row 2 of upload ${uploadId}`,
  },
  'a taken index belongs to no uploaded code': {
    sql: ({ accountId, holedFormatId }) => `
      INSERT INTO taken VALUES ('${accountId}', '${holedFormatId}', 11);
      UPDATE format SET taken_ahead = 2 WHERE id = '${holedFormatId}'`,
    found: { 'taken-codes': 1 },
    says: ({ holedFormatId }) =>
      `format ${holedFormatId} has 1 indices taken that belong to no uploaded code, the first is 11`,
  },
  'the batch of an upload does not begin with its first row': {
    sql: ({ uploadId }) => `UPDATE batch SET first = 1 WHERE task_id = '${uploadId}'`,
    found: { 'upload-line': 2 },
    says: ({ uploadId }) => `upload ${uploadId}: rows 0 to 0 are in no batch, but later ones are`,
  },
  'an upload has generated codes': {
    sql: ({ uploadId }) => `UPDATE task SET generated = 3 WHERE id = '${uploadId}'`,
    found: { 'task-codes': 1 },
    says: ({ uploadId }) => `task ${uploadId} is an upload, and counts 3 codes generated`,
  },
  'an upload that was undone counts codes': {
    sql: ({ uploads: { undone } }) => `UPDATE task SET added = 3 WHERE id = '${undone}'`,
    found: { 'task-codes': 1 },
    says: ({ uploads: { undone } }) => `task ${undone}, UNDONE, has accepted 3 codes, and counts 3 added`,
  },
  'a generation was undone': {
    sql: ({ cancelled }) => `
      UPDATE task SET status = 'UNDONE' WHERE id = '${cancelled}';
      UPDATE event SET payload = payload || '{"status": "UNDONE"}'
      WHERE payload->>'taskId' = '${cancelled}' AND payload->>'status' = 'CANCELLED'`,
    found: { 'task-state': 1 },
    says: ({ cancelled }) =>
      `task ${cancelled}, a GENERATION that is UNDONE, has values that do not fit together`,
  },
  'a generation has read a file': {
    sql: ({ cancelled }) => `UPDATE task SET bytes_read = 1, bytes = 1 WHERE id = '${cancelled}'`,
    found: { 'task-state': 1 },
    says: ({ cancelled }) =>
      `task ${cancelled}, a GENERATION that is CANCELLED, has values that do not fit together`,
  },
  'an upload was triggered by a refill': {
    sql: ({ uploadId }) => `UPDATE task SET trigger = 'AUTO_GENERATE' WHERE id = '${uploadId}'`,
    found: { 'task-state': 1 },
    says: ({ uploadId }) =>
      `task ${uploadId}, a UPLOAD that is COMPLETED, has values that do not fit together`,
  },
  'an upload that has ended waits for others': {
    sql: ({ uploadId }) => `UPDATE task SET waits_for_clearing = true WHERE id = '${uploadId}'`,
    found: { 'task-state': 1 },
    says: ({ uploadId }) =>
      `task ${uploadId}, a UPLOAD that is COMPLETED, has values that do not fit together`,
  },
  'an upload has read more than its file': {
    sql: ({ uploadId }) => `UPDATE task SET bytes_read = bytes + 1 WHERE id = '${uploadId}'`,
    found: { 'upload-counters': 1 },
    says: ({ uploadId }) => `upload ${uploadId} has read 1000001 bytes of 1000000`,
  },
  'no event tells of what an upload has added': {
    sql: ({ uploadId }) => `
      UPDATE event SET kind = 'POOL_LOW' WHERE payload->>'taskId' = '${uploadId}' AND kind = 'POOL_REFILLED'`,
    found: { 'task-events': 1 },
    says: ({ uploadId, holedPoolId }) =>
      `task ${uploadId} of pool ${holedPoolId} has added 3 codes, and refilled it 0 times with none`,
  },
  'an uploaded code has no upload': {
    sql: ({ accountId, completed }) => `
      INSERT INTO uploaded_code VALUES ('${accountId}', '${nowhere}', 0, 'X', 'X'), ('${accountId}', '${completed}', 0, 'Y', 'Y')`,
    found: { 'upload-reference': 2 },
    says: () => `1 uploaded codes are of task ${nowhere}, which is no upload`,
  },
  'a task counts fewer codes than it generated': {
    sql: ({ completed }) => `UPDATE task SET generated = 9 WHERE id = '${completed}'`,
    found: { 'task-codes': 1 },
    says: ({ completed }) => `task ${completed}, COMPLETED, counts 9 codes generated and 10 added`,
  },
  'a task counts more codes than its batch has': {
    sql: ({ uploadId }) => `UPDATE task SET added = 4 WHERE id = '${uploadId}'`,
    found: { 'task-codes': 1, 'task-events': 1 },
    says: ({ uploadId }) => `task ${uploadId}, COMPLETED, counts 4 codes added, and its batches have 3`,
  },
  'a task did not generate what was requested': {
    sql: ({ completed }) => `UPDATE task SET quantity = 11 WHERE id = '${completed}'`,
    found: { 'task-codes': 1 },
    says: ({ completed }) => `task ${completed} was to add 11 codes, and counts 10`,
  },
  'a cancelled task has a batch': {
    sql: ({ completed, cancelled }) =>
      `UPDATE batch SET task_id = '${cancelled}' WHERE task_id = '${completed}'`,
    found: { 'task-codes': 2 },
    says: ({ cancelled }) => `task ${cancelled} is CANCELLED, and has a batch`,
  },
  'an unfinished task counts codes': {
    sql: ({ running }) => `UPDATE task SET generated = 5, added = 5 WHERE id = '${running}'`,
    found: { 'task-codes': 1 },
    says: ({ running }) => `task ${running}, RUNNING, counts 5 codes added, and its batches have 0`,
  },
  'a completed task has no time of its end': {
    sql: ({ completed }) => `UPDATE task SET finished_at = NULL WHERE id = '${completed}'`,
    found: { 'task-state': 1 },
    says: ({ completed }) => `task ${completed} is COMPLETED, started: `,
  },
  'a running task has no time of its start': {
    sql: ({ running }) => `UPDATE task SET started_at = NULL WHERE id = '${running}'`,
    found: { 'task-state': 1 },
    says: ({ running }) => `task ${running} is RUNNING, started: never, finished: never`,
  },
  'a waiting task has a time of its start': {
    sql: ({ waiting }) => `UPDATE task SET started_at = now() WHERE id = '${waiting}'`,
    found: { 'task-state': 1 },
    says: ({ waiting }) => `task ${waiting} is AWAITING_EXECUTION, started: `,
  },
  'a running task has a time of its end': {
    sql: ({ running }) => `UPDATE task SET finished_at = now() WHERE id = '${running}'`,
    found: { 'task-state': 1 },
    says: ({ running }) => `task ${running} is RUNNING, started: `,
  },
  'a failed task does not say why': {
    sql: ({ failed }) => `UPDATE task SET failure_code = NULL, failure_message = NULL WHERE id = '${failed}'`,
    found: { 'task-state': 1 },
    says: ({ failed }) => `task ${failed} is FAILED, and says of a failure: nothing`,
  },
  'a cancelled task says that it failed': {
    sql: ({ cancelled }) => `UPDATE task SET failure_code = 'INTERNAL' WHERE id = '${cancelled}'`,
    found: { 'task-state': 1 },
    says: ({ cancelled }) => `task ${cancelled} is CANCELLED, and says of a failure: INTERNAL`,
  },
  'a task does not say how many codes to generate': {
    sql: ({ cancelled }) => `UPDATE task SET quantity = NULL WHERE id = '${cancelled}'`,
    found: { 'task-state': 1 },
    says: ({ cancelled }) => `task ${cancelled} does not say what to generate`,
  },
  'a task is for a pool that does not exist': {
    sql: ({ cancelled }) => `UPDATE task SET pool_id = '${nowhere}' WHERE id = '${cancelled}'`,
    found: { 'task-reference': 1, 'task-events': 1 },
    says: ({ cancelled }) => `task ${cancelled} is for pool ${nowhere}, which does not exist`,
  },
  'a task is for a format that does not exist': {
    sql: ({ cancelled }) => `UPDATE task SET format_id = '${nowhere}' WHERE id = '${cancelled}'`,
    found: { 'task-reference': 1 },
    says: ({ cancelled }) => `task ${cancelled} is for format ${nowhere}, which does not exist`,
  },
  'the last event of a task says something else': {
    sql: ({ running }) => `
      UPDATE event SET payload = payload || '{"status": "AWAITING_EXECUTION"}'
      WHERE payload->>'taskId' = '${running}' AND payload->>'status' = 'RUNNING'`,
    found: { 'task-events': 1 },
    says: ({ poolId, running }) =>
      `task ${running} of pool ${poolId} is RUNNING, and its last event says AWAITING_EXECUTION`,
  },
  'no event tells of a task': {
    sql: ({ waiting }) => `
      UPDATE event SET payload = payload || '{"taskId": "${nowhere}"}' WHERE payload->>'taskId' = '${waiting}'`,
    found: { 'task-events': 2 },
    says: ({ poolId, waiting }) =>
      `task ${waiting} of pool ${poolId} is AWAITING_EXECUTION, and has no event that says so`,
  },
  'no event tells of a task that is younger than the oldest event': {
    sql: ({ forgetful }) => `
      UPDATE task SET finished_at = now() WHERE id = '${forgetful.lastTask}';
      UPDATE event SET kind = 'POOL_EMPTY' WHERE account_id = '${forgetful.accountId}'`,
    found: { 'task-events': 1 },
    says: ({ forgetful }) => `task ${forgetful.lastTask} of pool `,
  },
  'an event tells of another refill than the task made': {
    sql: ({ completed }) => `
      UPDATE event SET payload = payload || '{"added": "9"}'
      WHERE payload->>'taskId' = '${completed}' AND kind = 'POOL_REFILLED'`,
    found: { 'task-events': 1 },
    says: ({ completed, poolId }) =>
      `task ${completed} of pool ${poolId} has added 10 codes, and refilled it 1 times with 9`,
  },
  'no event tells of a refill': {
    sql: ({ completed }) => `
      UPDATE event SET kind = 'POOL_LOW' WHERE payload->>'taskId' = '${completed}' AND kind = 'POOL_REFILLED'`,
    found: { 'task-events': 1 },
    says: ({ completed, poolId }) =>
      `task ${completed} of pool ${poolId} has added 10 codes, and refilled it 0 times with none`,
  },
  'an idempotency key leads to no claim': {
    sql: () => `UPDATE idempotency SET first = 5 WHERE key = 'claim'`,
    found: { 'idempotency-key': 1 },
    says: ({ poolId }) => `key "claim" of claimCodes: pool ${poolId} has no claim at 5`,
  },
  'the key of a claim for recipients is for codes that were not claimed': {
    sql: () => `
      UPDATE idempotency SET operation = 'claimForRecipients', positions = '{9,10}', first = NULL WHERE key = 'claim'`,
    found: { 'idempotency-key': 1 },
    says: ({ poolId }) =>
      `key "claim" of claimForRecipients is for positions 9 to 10 of pool ${poolId}, which has 10 codes claimed`,
  },
  'the key of a claim for recipients does not say for which codes': {
    sql: () => `UPDATE idempotency SET operation = 'claimForRecipients', first = NULL WHERE key = 'claim'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "claim" of claimForRecipients does not say what it was used for',
  },
  'the key of a claim has positions': {
    sql: () => `UPDATE idempotency SET positions = '{7}' WHERE key = 'claim'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "claim" of claimCodes does not say what it was used for',
  },
  'an idempotency key leads to no task': {
    sql: () => `UPDATE idempotency SET task_id = '${nowhere}' WHERE key = 'failed'`,
    found: { 'idempotency-key': 1 },
    says: () => `key "failed" of generateCodes: there is no task ${nowhere}`,
  },
  'an idempotency key does not say what it was used for': {
    sql: () => `UPDATE idempotency SET task_id = NULL WHERE key = 'failed'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "failed" of generateCodes does not say what it was used for',
  },
  'the key of an upload does not say what it was used for': {
    sql: () => `UPDATE idempotency SET task_id = NULL WHERE key = 'upload'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "upload" of uploadCodes does not say what it was used for',
  },
  'the key of an upload leads to a claim': {
    sql: ({ poolId }) => `UPDATE idempotency SET pool_id = '${poolId}', first = 0 WHERE key = 'upload'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "upload" of uploadCodes does not say what it was used for',
  },
  'the key of an upload leads to a generation': {
    sql: ({ completed }) => `UPDATE idempotency SET task_id = '${completed}' WHERE key = 'upload'`,
    found: { 'idempotency-key': 1 },
    says: ({ completed }) => `key "upload" of uploadCodes: task ${completed} is of the kind GENERATION`,
  },
  'the key of a generation leads to an upload': {
    sql: ({ uploadId }) => `UPDATE idempotency SET task_id = '${uploadId}' WHERE key = 'failed'`,
    found: { 'idempotency-key': 1 },
    says: ({ uploadId }) => `key "failed" of generateCodes: task ${uploadId} is of the kind UPLOAD`,
  },
  'an idempotency key has an unknown operation': {
    sql: () => `UPDATE idempotency SET operation = 'sellCodes' WHERE key = 'upload'`,
    found: { 'idempotency-key': 1 },
    says: () => 'key "upload" is of an unknown operation: sellCodes',
  },
  'the hash of an idempotency key was truncated': {
    sql: () => `UPDATE idempotency SET hash = substring(hash FOR 31) WHERE key = 'failed'`,
    found: { 'idempotency-key': 1 },
    says: () => 'the hash of key "failed" of generateCodes has 31 bytes, not 32',
  },
  'an event in the middle is missing': {
    sql: ({ poolId }) => `DELETE FROM event WHERE pool_id = '${poolId}' AND sequence = 2`,
    found: { 'event-line': 1 },
    says: () => 'events 2 to 2 are missing',
  },
  'the first event is missing': {
    sql: ({ poolId }) => `DELETE FROM event WHERE pool_id = '${poolId}' AND sequence = 1`,
    found: { 'event-line': 1 },
    says: () => 'events 1 to 1 are missing',
  },
  'the last event is missing': {
    sql: ({ accountId }) => `UPDATE event_log SET last = last + 1 WHERE account_id = '${accountId}'`,
    found: { 'event-line': 1 },
    says: () => 'its event log ends at ',
  },
  'an event is beyond the end of its log': {
    sql: ({ accountId }) => `UPDATE event_log SET last = last - 1 WHERE account_id = '${accountId}'`,
    found: { 'event-line': 1 },
    says: () => 'is outside of its event log, which keeps those after 0 and ends at ',
  },
  'an event remains that should be removed': {
    sql: ({ forgetful }) => `UPDATE event_log SET floor = 8 WHERE account_id = '${forgetful.accountId}'`,
    found: { 'event-line': 1 },
    says: () => 'event 8 is outside of its event log, which keeps those after 8 and ends at 9',
  },
  'an event has no pool': {
    sql: () => `UPDATE event SET pool_id = '${nowhere}' WHERE kind = 'POOL_LOW'`,
    found: { 'event-reference': 1 },
    says: () => `is of pool ${nowhere}, which does not exist`,
  },
  'an event of the account names a pool': {
    sql: ({ poolId }) => `UPDATE event SET pool_id = '${poolId}' WHERE kind = 'WEBHOOK_DISABLED'`,
    found: { 'event-reference': 1 },
    says: ({ poolId }) => `of the kind WEBHOOK_DISABLED is of pool ${poolId}`,
  },
  'an event of a pool names none': {
    sql: () => `UPDATE event SET pool_id = NULL WHERE kind = 'POOL_LOW'`,
    found: { 'event-reference': 1 },
    says: () => 'of the kind POOL_LOW is of pool none',
  },
  'a webhook is of a pool that does not exist': {
    sql: ({ webhooks }) => `UPDATE webhook SET pool_id = '${nowhere}' WHERE id = '${webhooks.active}'`,
    found: { 'webhook-reference': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} is for pool ${nowhere}, which does not exist`,
  },
  'a webhook has left its secrets and deliveries behind': {
    sql: ({ webhooks }) => `DELETE FROM webhook WHERE id = '${webhooks.active}'`,
    found: { 'webhook-reference': 3 },
    says: ({ webhooks }) => `is of webhook ${webhooks.active}, which does not exist`,
  },
  'a webhook is beyond the end of the event log': {
    sql: ({ webhooks }) => `UPDATE webhook SET sequence = 1000000 WHERE id = '${webhooks.active}'`,
    found: { 'webhook-state': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} is at event 1000000, and the event log ends at `,
  },
  'a webhook is disabled without a reason': {
    sql: ({ webhooks }) => `UPDATE webhook SET disabled_reason = NULL WHERE id = '${webhooks.disabled}'`,
    found: { 'webhook-state': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.disabled} is disabled at `,
  },
  'a webhook is disabled and leased': {
    sql: ({ webhooks }) =>
      `UPDATE webhook SET leased_by = id, leased_until = now() WHERE id = '${webhooks.disabled}'`,
    found: { 'webhook-state': 1 },
    says: () => 'is disabled, and waits for an attempt or is being delivered to',
  },
  'a webhook is leased by nobody': {
    sql: ({ webhooks }) => `UPDATE webhook SET leased_until = now() WHERE id = '${webhooks.active}'`,
    found: { 'webhook-state': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} is leased by `,
  },
  'a webhook waits for another attempt, and none has failed': {
    sql: ({ webhooks }) => `UPDATE webhook SET next_attempt_at = now() WHERE id = '${webhooks.active}'`,
    found: { 'webhook-state': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} has failed 0 times`,
  },
  'a webhook has lost its present secret': {
    sql: ({ webhooks }) =>
      `DELETE FROM webhook_secret WHERE webhook_id = '${webhooks.active}' AND until IS NULL`,
    found: { 'webhook-secrets': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} has 0 secrets without an end, not 1`,
  },
  'a secret that was replaced has no end, and the present one has': {
    sql: ({ webhooks }) => `
      UPDATE webhook_secret SET until = CASE number WHEN 2 THEN now() END WHERE webhook_id = '${webhooks.active}'`,
    found: { 'webhook-secrets': 1 },
    says: ({ webhooks }) => `secret 1 of webhook ${webhooks.active} has no end, and secret 2 is newer`,
  },
  'a secret of a webhook was truncated': {
    sql: ({ webhooks }) =>
      `UPDATE webhook_secret SET secret = substring(secret FOR 10) WHERE webhook_id = '${webhooks.disabled}'`,
    found: { 'webhook-secrets': 1 },
    says: ({ webhooks }) => `of webhook ${webhooks.disabled} has 10 bytes, not 24 to 64`,
  },
  'a webhook has too many deliveries': {
    sql: ({ webhooks }) => `
      INSERT INTO webhook_delivery
      SELECT account_id, webhook_id, gen_random_uuid(), message_id, type, attempt, at, duration_ms, status, answer, error
      FROM webhook_delivery, generate_series(1, 50) WHERE webhook_id = '${webhooks.active}'`,
    found: { 'webhook-deliveries': 1 },
    says: ({ webhooks }) => `webhook ${webhooks.active} has 51 deliveries`,
  },
  'a delivery has succeeded without an answer': {
    sql: ({ webhooks }) => `UPDATE webhook_delivery SET error = NULL WHERE webhook_id = '${webhooks.active}'`,
    found: { 'webhook-deliveries': 1 },
    says: ({ webhooks }) => `of webhook ${webhooks.active}: attempt 1 took `,
  },
  'an account has no event log': {
    sql: ({ accountId }) => `DELETE FROM event_log WHERE account_id = '${accountId}'`,
    found: { 'account-log': 1 },
    says: () => 'it has no event log',
  },
  'an account has no catalog': {
    sql: ({ accountId }) => `DELETE FROM catalog WHERE account_id = '${accountId}'`,
    found: { 'account-catalog': 1 },
    says: () => 'it has no catalog',
  },
  'an event log has no account': {
    sql: () => `INSERT INTO event_log (account_id, log) VALUES ('${nowhere}', '${nowhere}')`,
    found: { 'account-log': 1 },
    says: () => 'it does not exist, and has an event log',
  },
  'the hash of an API key was truncated': {
    sql: ({ accountId }) =>
      `UPDATE api_key SET hash = substring(hash FOR 20) WHERE account_id = '${accountId}'`,
    found: { 'api-key': 1 },
    says: () => 'has 20 bytes, not 32',
  },
  'an API key has no account': {
    sql: ({ accountId }) => `UPDATE api_key SET account_id = '${nowhere}' WHERE account_id = '${accountId}'`,
    found: { 'api-key': 1 },
    says: () => 'is of an account that does not exist',
  },
}

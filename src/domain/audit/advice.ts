import type { FindingKind } from './finding.ts'

/*
 * What to do about a finding. An archived pool hands nothing out and gets nothing, and can be unarchived: so to archive it
 * is what is always safe while codes may be handed out twice.
 */

const archive = 'Archive the pool (archivePool), so that nothing more is handed out from it, and report this.'
const archiveOfFormat =
  'Archive the pools that are filled from the format (archivePool), so that nothing more is generated from it, and report this.'
const report = 'Report this.'

/** For each kind of finding, what is at stake, and what to do. All of it is safe while services run. */
export const advice: Record<FindingKind, string> = {
  'account-log': `Changes that record events fail in this account. ${report}`,
  'account-catalog': `Formats and pools cannot be created in this account. ${report}`,
  'api-key':
    'The key does not work. Create another one for whoever uses it (npm run account), and report this.',
  'format-reference': `Nobody can use the format. ${report}`,
  'format-codes': `Codes of the format are neither found nor handed out correctly. ${archiveOfFormat} Keep the backups: they have the right pattern and key.`,
  'format-counters': `More codes may be promised than the format has. ${archiveOfFormat}`,
  'format-line': `Codes may have been generated twice. ${archiveOfFormat}`,
  'taken-reference': `The format may seem to have fewer codes than it has. ${report}`,
  'pool-counters': `Codes may be handed out twice, or not at all. ${archive}`,
  'pool-settings':
    'The pool is not refilled automatically. Save its Promo Codes section again (saveReplenishment).',
  'pool-terms': 'The pool hands out nothing, or codes that are never good. Save its terms again (saveTerms).',
  'pool-usage': `The counts of redeemed and void codes are wrong, or none of the pool's codes can be redeemed; look-ups of single codes are right. ${report}`,
  'pool-reference':
    'The pool cannot be used or refilled. If its format does not exist, choose another one (saveReplenishment); otherwise, report this.',
  'stock-line': `The activity and the forecast of the pool are wrong; its stock is not. ${report}`,
  'line-times': `The activity of the pool is wrong, and expiry may be, too. ${report}`,
  'batch-line': `Codes may be handed out twice, or not at all. ${archive}`,
  'batch-reference': `These codes cannot be computed or looked up, or may have been handed out before a restore. ${archive}`,
  'claim-line': `Codes may have been handed out twice, or it is unknown to whom. ${archive} Void codes that two people have (voidCodes).`,
  'claim-reference': `Nobody can use these claims. ${report}`,
  'redemption-reference':
    'A code that nobody has claimed counts as redeemed. Whoever gets it cannot use it: archive the pool (archivePool), and report this.',
  'redemption-counts': `The activity of redemptions is wrong; redemptions are not. ${report}`,
  'void-line': `Codes that nobody has claimed, or that are void twice, count as void. ${report}`,
  'redeemed-and-void':
    'Look the code up (code), and decide what is right: roll the redemption back (rollBackRedemption), or unvoid the code (unvoidCodes).',
  'usage-versions': `Files of codes may show redemptions and voids of another moment. ${report}`,
  'taken-codes': `The format may generate codes that were uploaded, too. ${archiveOfFormat}`,
  'upload-line': `Codes of the upload are missing from the stock, or in it twice. ${archive}`,
  'upload-rows': `Codes of the upload are missing, and claims of them fail. ${archive}`,
  'upload-keys': `Look-ups do not find these codes, and uploads may add them again. Upload nothing to the account for now, and report this.`,
  'upload-counters': `The figures of the upload are wrong; its codes are not. ${report}`,
  'upload-remains': `What is left behind takes space. What an upload has left behind cannot be uploaded again, either. Check that a worker is running; if it is, report this.`,
  'upload-reference': `These rows take space, and their codes cannot be uploaded again. ${report}`,
  'task-codes': `The figures of the task are wrong; if codes are, another finding says so. ${report}`,
  queue:
    'The work waits for up to an hour, until a worker next removes expired rows. Report this, unless processes of an older version were running.',
  'task-state': `The task may not be carried out, or show a wrong status. If it has not finished, cancel it (cancelTask) and start it again; report this.`,
  'task-reference': `The task cannot be carried out. Cancel it (cancelTask), and report this.`,
  'task-events': `Subscribers were told something else. They should read the task itself (task); report this.`,
  'idempotency-key': `To repeat the request with this key may give a wrong answer. The key is forgotten after two days; report this.`,
  'event-line': `Subscribers and webhooks miss events. They should read the state again; report this.`,
  'event-reference': `The history shows an event of nothing. ${report}`,
  'webhook-reference':
    'These rows take space, or the webhook sends nothing. Create the webhook again (createWebhook), delete this one (deleteWebhook), and report this.',
  'webhook-state':
    'The webhook may send nothing. Enable it again (updateWebhook with enabled: true, and skipToNow: true if its place is after the last event); report this.',
  'webhook-secrets':
    'The messages of the webhook may not be signed. Rotate its secret (rotateWebhookSecret), configure the receiver with the new one, and report this.',
  'webhook-deliveries': `The list of its last deliveries is wrong; what is sent is not. ${report}`,
}

/** What holds for every finding. */
export const generalAdvice = [
  'No crash causes this: somebody has changed the tables by hand, the data was damaged outside of the service, or the service has a fault.',
  'Keep this output and the backups, and change nothing by hand: the findings do not say which of the figures is right.',
]

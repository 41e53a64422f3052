import { randomInt } from 'node:crypto'

/** A prepared tab of GraphiQL. */
export interface GuideTab {
  /** Distinguishes the guide's tabs from the user's. */
  readonly id: string
  readonly query: string
  readonly variables: string
}

/**
 * Parts of the variables' text that the page's script replaces later: for example by the id of a pool created in another tab,
 * or by a new name for one used on an earlier visit.
 */
export interface GuideFills {
  readonly formatName: string
  readonly formatPrefix: string
  readonly poolName: string
  readonly format: string
  readonly pool: string
  readonly task: string
  readonly code: string
  readonly claim: string
  readonly redemption: string
  readonly after: string
}

/** The objects that the guide starts from on a new database. */
export interface GuideSample {
  readonly formatId: string
  readonly poolId: string
  /** The newest task of the pool. */
  readonly taskId?: string | undefined
}

export interface Guide {
  readonly tabs: readonly GuideTab[]
  readonly fills: GuideFills
}

/** A tab without its step number. */
interface Step {
  readonly id: string
  /** The lines above the operation, which the editor wraps. */
  readonly comment: readonly string[]
  readonly operation: string
  readonly variables: object
}

const CONSONANTS = 'BCDFGHJKMPQRTVWXZ'

/**
 * The steps from the list of pools to the results of the run, in the order and words of the product's guide, then to the life
 * of a code, files and history. Run in order with unchanged variables, they add each batch of codes once. Without a sample,
 * each id is replaced by the name of the tab that creates it.
 */
export function guide(sample: GuideSample | undefined): Guide {
  const tag = newTag()
  const names = {
    formatName: `Spring sale ${tag}`,
    formatPrefix: `SPRING-${tag}-`,
    poolName: `Newsletter welcome ${tag}`,
    format: sample?.formatId ?? 'the id of a format: run CreateFormat',
    pool: sample?.poolId ?? 'the id of a pool: run CreatePool',
    task: sample?.taskId ?? 'the id of a task: run SaveAndGenerate',
    code: 'a code: run ClaimCodes',
    claim: 'its id: run ClaimCodes',
    redemption: 'its id: run RedeemCode',
  }
  const all = steps(names)
  const tabs = all.map(({ id, comment, operation, variables }, index) => ({
    id: `guide-${id}`,
    query: `# Step ${index + 1} of ${all.length}. ${comment.join('\n# ')}\n${operation}`,
    variables: JSON.stringify(variables, null, 2),
  }))
  const quoted = Object.entries(names).map(([name, value]) => [name, JSON.stringify(value)])
  return { tabs, fills: { ...Object.fromEntries(quoted), after: '"after": null' } }
}

/** Makes the names new on every visit. */
function newTag(): string {
  return Array.from({ length: 4 }, () => CONSONANTS[randomInt(CONSONANTS.length)]).join('')
}

// Some messages refer to `issues`.
const errors = `... on UserError {
      message
      code
      path
    }
    ... on InvalidInputError {
      issues {
        path
        message
      }
    }`

function steps(names: Omit<GuideFills, 'after'>): readonly Step[] {
  const shape = {
    prefix: names.formatPrefix,
    body: { pattern: '#####-#####' },
    characters: { set: 'UNAMBIGUOUS' },
    suffix: '',
  }
  return [
    {
      id: 'pools',
      comment: [
        'Before you start: make sure you already have a pool. Press the run button (the triangle) to list your pools. ' +
          'To use one, copy its id into PromoCodesSection.',
        "If you don't have a pool yet, create one first. Next: CreatePool.",
      ],
      operation: `query Pools($search: String) {
  pools(search: $search) {
    totalCount
    edges {
      node {
        id
        name
        status
        availableCount
        claimedCount
      }
    }
  }
}
`,
      variables: { search: null },
    },
    {
      id: 'create-pool',
      comment: [
        'Create a pool. A pool stores codes until they are handed out. A new one is empty.',
        'Change the name if you like, and press run. Its id is then filled into the tabs after this one.',
        'Next: PromoCodesSection.',
      ],
      operation: `mutation CreatePool($input: CreatePoolInput!) {
  createPool(input: $input) {
    ... on CreatePoolPayload {
      pool {
        id
        name
        status
        availableCount
        claimedCount
      }
    }
    ${errors}
  }
}
`,
      variables: { input: { name: names.poolName } },
    },
    {
      id: 'promo-codes-section',
      comment: [
        'Open the pool you want to populate and navigate to the Promo Codes section of its settings (replenishment). ' +
          'This is where you decide how the pool will be filled with codes. Press run: this pool and its ' +
          'settings are then filled into the tabs after this one.',
        'Select Generate promo codes as the method (GENERATE): SaveAndGenerate does that for you. UPLOAD means ' +
          'codes from a file.',
        'Next: PickFormat.',
      ],
      operation: `query PromoCodesSection($poolId: ID!) {
  pool(id: $poolId) {
    id
    name
    status
    availableCount
    claimedCount
    replenishment {
      method
      format {
        id
        name
        pattern
      }
      quantity
      autoGenerate
      refillThreshold
    }
  }
}
`,
      variables: { poolId: names.pool },
    },
    {
      id: 'pick-format',
      comment: [
        'Next, which promo code format to use. The format defines the structure of the codes that will be generated: ' +
          'length, character set, and any fixed prefix or suffix.',
        'Pick an existing format from the list: the fastest path. Press run, and copy its id into AvailableCodes.',
        'Or create a new format if none of the existing ones fit. Next: PreviewFormat.',
      ],
      operation: `query PickFormat($search: String) {
  formats(search: $search) {
    totalCount
    edges {
      node {
        id
        name
        pattern
        examples
        availableForGeneration
      }
    }
  }
}
`,
      variables: { search: null },
    },
    {
      id: 'preview-format',
      comment: [
        'Define how the codes of a new format should look: fixed text, and a # for each random character. ' +
          'Press run to see examples, how many codes there can be, and what to know before you use it. ' +
          'Nothing is created yet, so try as often as you like.',
        'Next: CreateFormat. The last shape that you previewed is filled in there.',
      ],
      operation: `query PreviewFormat($shape: FormatShapeInput!) {
  previewFormat(shape: $shape) {
    ... on FormatPreview {
      pattern
      examples
      capacity
      warnings {
        message
      }
      overlaps {
        id
        name
        pattern
      }
    }
    ${errors}
  }
}
`,
      variables: { shape },
    },
    {
      id: 'create-format',
      comment: [
        'Create the new format, then return to generating. Its shape can never be changed, only its name. ' +
          'Press run: its id is then filled into the tabs after this one.',
        'For another format, change the name and the prefix. Next: AvailableCodes.',
      ],
      operation: `mutation CreateFormat($input: CreateFormatInput!) {
  createFormat(input: $input) {
    ... on CreateFormatPayload {
      format {
        id
        name
        pattern
        examples
        capacity
        availableForGeneration
      }
      warnings {
        message
      }
    }
    ... on FormatOverlapError {
      format {
        id
        name
      }
    }
    ${errors}
  }
}
`,
      variables: { input: { name: names.formatName, shape } },
    },
    {
      id: 'available-codes',
      comment: [
        'Available codes for generation (availableForGeneration): the number of codes still available in the selected ' +
          "format's set. Use it as a sanity check: your Quantity can't exceed it.",
        'Press run: this format is then filled into the tabs after this one. If you need more codes ' +
          'than the format can produce, switch to one with a larger code space: a longer code or a wider character set.',
        'Next: SaveAndGenerate.',
      ],
      operation: `query AvailableCodes($formatId: ID!) {
  format(id: $formatId) {
    id
    name
    pattern
    capacity
    availableForGeneration
    generatedCount
    reservedCount
  }
}
`,
      variables: { formatId: names.format },
    },
    {
      id: 'save-and-generate',
      comment: [
        'Quantity: the number of promo codes this task will generate and add to the pool.',
        'Optional: set autoGenerate to true to auto-generate promo codes if they run out. Turn this on for always-on ' +
          'use cases (welcome flows, evergreen offers, referral programs). Leave it off for one-time campaigns with a ' +
          'fixed code budget.',
        'Save and generate: press run to kick off the task. Each press generates another batch. Next: WatchTask.',
      ],
      operation: `mutation SaveAndGenerate($input: GenerateCodesInput!) {
  generateCodes(input: $input) {
    ... on GenerateCodesPayload {
      task {
        id
        status
        quantity
        pool {
          name
        }
        format {
          name
          availableForGeneration
        }
      }
    }
    ... on QuantityExceedsAvailableError {
      availableForGeneration
    }
    ${errors}
  }
}
`,
      variables: {
        input: {
          poolId: names.pool,
          formatId: names.format,
          quantity: '100',
          saveSettings: { autoGenerate: false, refillThreshold: '0' },
        },
      },
    },
    {
      id: 'watch-task',
      comment: [
        'The task moves through statuses, starting at Awaiting execution (AWAITING_EXECUTION) and progressing ' +
          '(RUNNING) until it completes (COMPLETED).',
        'Press run: it shows everything since the task was created, newest first, and then what happens live. It keeps ' +
          'running when you open another tab. Press the button again to stop it. Next: Results.',
      ],
      operation: `subscription WatchTask($poolId: ID!, $after: String) {
  poolEvents(poolId: $poolId, after: $after) {
    ... on TaskStatusChangedEvent {
      status
      task {
        kind
        quantity
      }
    }
    ... on PoolChangedEvent {
      changed
    }
    ... on PoolRefilledEvent {
      addedCount
    }
    ... on PoolRefillFailedEvent {
      failure {
        message
      }
    }
    ... on PoolLowEvent {
      availableCount
    }
    __typename
    at
  }
}
`,
      variables: { poolId: names.pool, after: null },
    },
    {
      id: 'results',
      comment: [
        "Once done, you'll see the results of the run, including how many codes were generated (generatedCount) and " +
          'added to the pool (addedCount). Press run.',
        'Next: SavePromoCodes.',
      ],
      operation: `query Results($id: ID!) {
  task(id: $id) {
    id
    status
    kind
    quantity
    generatedCount
    addedCount
    createdAt
    startedAt
    finishedAt
    failure {
      message
    }
    upload {
      dryRun
      rowsRead
      accepted
      duplicatesInFile
      duplicatesInAccount
      refused
      waitingFor
      layout {
        headerRow
        header
        columnNumber
      }
      warnings
    }
    rejectedRowsUrl
    pool {
      name
      status
      availableCount
    }
  }
}
`,
      variables: { id: names.task },
    },
    {
      id: 'save-promo-codes',
      comment: [
        'After generation finishes, save the Promo Codes block settings on the pool itself, so that the pool keeps ' +
          'behaving the way you set it up. Press run.',
        'To have the pool refilled on its own, set autoGenerate to true: a new batch of codes (quantity) is generated as soon ' +
          'as the last code is distributed (refillThreshold 0). A pool that is already empty gets it immediately: see refill.',
        'Next: SaveTerms.',
      ],
      operation: `mutation SavePromoCodes($input: SaveReplenishmentInput!) {
  saveReplenishment(input: $input) {
    ... on SaveReplenishmentPayload {
      pool {
        name
        status
        availableCount
        replenishment {
          method
          format {
            name
            availableForGeneration
          }
          quantity
          autoGenerate
          refillThreshold
        }
      }
      refill {
        id
        quantity
        status
      }
    }
    ${errors}
  }
}
`,
      variables: {
        input: {
          poolId: names.pool,
          method: 'GENERATE',
          formatId: names.format,
          quantity: '100',
          autoGenerate: false,
          refillThreshold: '0',
        },
      },
    },
    {
      id: 'save-terms',
      comment: [
        'Decide how long codes are good (terms of the pool): thirty days from the moment that each is claimed. Press run. ' +
          'Codes that were claimed before keep their time.',
        'With validUntil, all end on one day. With onePerRecipient true, whoever claims again gets the same code. Next: WatchPool.',
      ],
      operation: `mutation SaveTerms($input: SaveTermsInput!) {
  saveTerms(input: $input) {
    ... on SaveTermsPayload {
      pool {
        name
        terms {
          issueFrom
          issueUntil
          validUntil
          validFor
          onePerRecipient
        }
      }
    }
    ${errors}
  }
}
`,
      variables: {
        input: {
          poolId: names.pool,
          issueFrom: null,
          issueUntil: null,
          validUntil: null,
          validFor: 'P30D',
          onePerRecipient: false,
        },
      },
    },
    {
      id: 'watch-pool',
      comment: [
        'What happens next: the newly generated codes are in the pool and ready to be handed out.',
        'Press run, leave it running, and come back after the next step: each change of the counts is shown live, ' +
          'newest first. If you enabled auto-generation, you see the pool being refilled on its own.',
        'Next: ClaimCodes.',
      ],
      operation: `subscription WatchPool($poolId: ID!) {
  poolUpdated(id: $poolId) {
    name
    status
    availableCount
    claimedCount
    replenishment {
      autoGenerate
      quantity
    }
  }
}
`,
      variables: { poolId: names.pool },
    },
    {
      id: 'claim-codes',
      comment: [
        'Claim codes, as any campaign, scenario, or integration that draws from the pool does: each code is handed ' +
          'out once, ever. Press run, then look at WatchPool.',
        'Press run again for other codes. With an idempotencyKey, a claim that is sent twice returns the same ' +
          'codes. Next: LookUpCode.',
      ],
      operation: `mutation ClaimCodes($input: ClaimCodesInput!) {
  claimCodes(input: $input) {
    ... on ClaimCodesPayload {
      codes {
        code
        recipient
        claimedAt
        expiresAt
      }
      claim {
        id
        count
      }
      alreadyHeld
      pool {
        name
        status
        availableCount
        claimedCount
      }
    }
    ... on NotEnoughCodesError {
      available
    }
    ... on PoolNotIssuingError {
      issueFrom
      issueUntil
    }
    ${errors}
  }
}
`,
      variables: { input: { poolId: names.pool, count: 10, recipient: 'anna@example.com' } },
    },
    {
      id: 'look-up-code',
      comment: [
        'Look up a code that a customer reads out: press run. The first code that you claimed is filled in.',
        'It is also found without its dashes or in lower case. If none fits, or more than one, the answer is null. ' +
          'Next: RedeemCode.',
      ],
      operation: `query LookUpCode($code: String!) {
  code(code: $code) {
    code
    status
    validity
    recipient
    claimedAt
    expiresAt
    pool {
      name
    }
    format {
      name
      pattern
    }
  }
}
`,
      variables: { code: names.code },
    },
    {
      id: 'redeem-code',
      comment: [
        'Redeem the code when it is used, as a till or a shop does: press run. It is accepted once. Run again with the same ' +
          'reference, and you get the same redemption; with another one, and you see who was first.',
        'validity says what a till wants to know of a code: whether it can be redeemed now. Next: RollBackAndVoid.',
      ],
      operation: `mutation RedeemCode($input: RedeemCodeInput!) {
  redeemCode(input: $input) {
    ... on RedeemCodePayload {
      alreadyRedeemed
      redemption {
        id
        reference
        place
        at
        code {
          code
          validity
        }
      }
    }
    ... on CodeRedeemedError {
      redemption {
        reference
        at
      }
    }
    ... on CodeExpiredError {
      expiredAt
    }
    ${errors}
  }
}
`,
      variables: { input: { code: names.code, reference: 'Order 1', place: 'Shop 7', recipient: null } },
    },
    {
      id: 'roll-back-and-void',
      comment: [
        'The order was returned: roll its redemption back, and then void the codes of the claim, so that they are no longer ' +
          'good. Press run. Without voidCodes, the code can be redeemed again.',
        'Codes can be chosen by claim, task, recipient or id; redeemed ones stay as they are. unvoidCodes makes them good ' +
          'again. To stop codes that nobody has claimed yet: withdrawCodes and restoreCodes. Next: DownloadCodes.',
      ],
      operation: `mutation RollBackAndVoid($rollBack: RollBackRedemptionInput!, $void: VoidCodesInput!) {
  rollBackRedemption(input: $rollBack) {
    ... on RollBackRedemptionPayload {
      redemption {
        rolledBackAt
        code {
          code
          validity
        }
      }
    }
    ${errors}
  }
  voidCodes(input: $void) {
    ... on VoidCodesPayload {
      voidedCount
      redeemedCount
      alreadyVoidCount
    }
    ${errors}
  }
}
`,
      variables: {
        rollBack: { redemptionId: names.redemption },
        void: { select: { claimId: names.claim }, reason: 'Order 1 was returned' },
      },
    },
    {
      id: 'download-codes',
      comment: [
        'Download the codes of the pool as a file: press run, then Save codes.csv above the tabs. The address in the ' +
          'answer (codesUrl) needs an API key, so it does not open in a browser.',
        'For only some of the codes, replace null by "AVAILABLE", "CLAIMED" or "WITHDRAWN". In a script: ' +
          'curl -H "Authorization: Bearer $KEY" -o codes.csv "http://…$codesUrl"',
        'Next: UploadCodes.',
      ],
      operation: `query DownloadCodes($poolId: ID!, $status: CodeStatus) {
  pool(id: $poolId) {
    name
    availableCount
    claimedCount
    codesUrl(status: $status)
  }
}
`,
      variables: { poolId: names.pool, status: null },
    },
    {
      id: 'upload-codes',
      comment: [
        'Upload codes that you already have: CSV, or one code per line. Press run, and choose a file: it is sent in place of ' +
          'null. With dryRun true nothing is added: see in Results what was found, then set dryRun to false and ' +
          'press run again.',
        'In a script: curl -T codes.csv -X POST -H "Authorization: Bearer $KEY" "http://…/pools/$POOL_ID/codes"',
        'Next: History.',
      ],
      operation: `mutation UploadCodes($input: UploadCodesInput!) {
  uploadCodes(input: $input) {
    ... on UploadCodesPayload {
      task {
        id
        status
        upload {
          dryRun
        }
      }
    }
    ${errors}
  }
}
`,
      variables: { input: { poolId: names.pool, dryRun: true, file: null } },
    },
    {
      id: 'history',
      comment: [
        'The history of the pool, newest first: its tasks and refills, what was withdrawn or voided and by whom (the API ' +
          'key, actor), and the codes handed out and to whom. Press run.',
        'For the next page of a list, pass its endCursor as after: poolEvents(poolId: $poolId, first: 20, after: "…").',
      ],
      operation: `query History($poolId: ID!) {
  poolEvents(poolId: $poolId, first: 20) {
    edges {
      node {
        at
        __typename
        actor {
          name
        }
        ... on TaskStatusChangedEvent {
          status
          task {
            kind
            trigger
          }
        }
        ... on PoolCreatedEvent {
          name
        }
        ... on PoolChangedEvent {
          changed
          name
        }
        ... on PoolRefilledEvent {
          addedCount
        }
        ... on PoolLowEvent {
          availableCount
        }
        ... on CodesWithdrawnEvent {
          count
          reason
        }
        ... on CodesRestoredEvent {
          count
        }
        ... on CodesVoidedEvent {
          count
          reason
        }
        ... on CodesUnvoidedEvent {
          count
        }
        ... on PoolRefillFailedEvent {
          failure {
            message
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
  pool(id: $poolId) {
    name
    availableCount
    claimedCount
    codes(status: CLAIMED, first: 20) {
      totalCount
      edges {
        node {
          code
          recipient
          claimedAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`,
      variables: { poolId: names.pool },
    },
  ]
}

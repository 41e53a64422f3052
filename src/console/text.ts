import { count, counted, list, percent } from './intl.ts'

// All texts of the console, by screen. Codes, names and messages of the API come from the API.

interface TaskTitle {
  kind: 'GENERATION' | 'UPLOAD'
  quantity: string | null
  addedCount: string
  upload: { dryRun: boolean; rowsRead: string } | null
}

interface RefillAtOnce {
  available: string
  threshold: string
  /** How many codes the refill generates if the format has them. */
  refill: bigint
  /** How many codes the format has. */
  left: bigint
}

interface TaskResult {
  kind: 'GENERATION' | 'UPLOAD'
  generatedCount: string
  addedCount: string
}

/** What a key with a scope may do. */
const mayDo = {
  READ: 'see pools, formats, tasks and claimed codes',
  MANAGE: 'create and change pools and formats, and generate, upload, withdraw and void codes',
  CLAIM: 'claim codes',
  REDEEM: 'redeem codes',
  ADMIN: 'manage API keys and webhooks, and forget recipients',
}

function runsOutHint(perDay: string): string {
  return `At ${perDay} ${perDay === '1' ? 'claim' : 'claims'} a day, as in the last 7 days.`
}

export const text = {
  common: {
    product: 'Promo codes',
    loading: 'Loading',
    retry: 'Try again',
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    discard: 'Discard',
    unsaved: 'You have unsaved changes.',
    copy: 'Copy',
    copied: 'Copied',
    more: 'Show more',
    less: 'Show less',
    pages: 'Pages of the list',
    previous: 'Previous',
    next: 'Next',
    none: 'None',
    noAnswer: 'The service gave no answer. Try again.',
    unreachable: 'The service cannot be reached. Check your connection, then try again.',
    lost: {
      unknown:
        'The connection was lost before the service answered, so it is not known whether this was done.',
      again: 'Look whether what you see has changed. Trying again does nothing twice.',
      claim: 'Claim the same again: if it was done, you get the codes that were claimed then, and no others.',
      pool: 'Look whether the pool is in the list. If it is not, create it again.',
      format: 'Look whether the format is in the list. If it is not, create it again.',
      key: 'If the list has a key of this name now, nobody knows its secret: revoke it. Then create another.',
      claimBefore:
        'The answer to your last claim of this pool was lost, so it is not known whether codes were claimed. ' +
        'Claim the same again: if it was done, you get the codes that were claimed then, and no others.',
    },
    notFoundTitle: 'There is nothing here',
    notFound: 'What the address leads to does not exist in this account, or has been deleted.',
    toPools: 'Go to the pools',
    toWelcome: 'See what this key may do',
    codes: (n: string | bigint) => counted(n, 'code', 'codes'),
  },
  shell: {
    skip: 'Skip to the content',
    menu: 'Menu',
    pools: 'Pools',
    formats: 'Formats',
    codes: 'Look up a code',
    activity: 'Activity',
    keys: 'API keys',
    graphiql: 'GraphiQL',
    forDevelopers: 'For developers',
    live: 'Live',
    liveHint: 'What you see changes by itself as codes are claimed and added.',
    connectionLost: 'Connection lost. What you see may be out of date. Reconnecting…',
    eventsEnded: 'This page no longer follows changes as they happen',
    reload: 'Reload the page',
    screenFailed: 'This screen could not be shown',
    screenFailedHint: 'Reload the page to try again. What you have saved is not lost.',
    toLight: 'Switch to light colors',
    toDark: 'Switch to dark colors',
    key: 'Signed in with',
    mayDo: 'This key may',
    signOut: 'Sign out',
    missing: (scopes: readonly (keyof typeof mayDo)[]) =>
      `This key may not see this. Sign in with one that may ${scopes.map((scope) => mayDo[scope]).join(', or one that may ')}.`,
    scopes: mayDo,
  },
  account: {
    signIn: 'Sign in',
    signInLead: 'Sign in with an API key of your account.',
    key: 'API key',
    keyHint: 'It begins with pk_. It is sent once, and not kept in this browser.',
    keyMissing: 'Paste your API key here.',
    keyMalformed: 'This is not an API key: a key has only letters, digits, “-” and “_”.',
    noKey: 'No key yet? Ask someone who may manage API keys. Or on the server, run',
    forDevelopers: 'For developers: GraphiQL',
    refused: (status: number) =>
      `The service could not sign you in (status ${status}). Try again in a moment; if it persists, tell whoever runs it.`,
    sessionEnded: 'Your session has ended',
    sessionEndedLead:
      'You were away for a while, or the key was revoked. Sign in again to go on where you were: what you have typed is still there.',
    stillSignedIn: 'You are still signed in',
    here: {
      or: 'Or without a key',
      lead: 'This browser is on the machine that runs the service, so you need no key.',
      proceed: 'Continue on this machine',
      refused: 'The key of this machine was revoked. Sign in with another one, or restart the service.',
      leaveTitle: 'Sign out of this machine?',
      leave:
        'You are signed in because this browser is on the machine that runs the service, and not with a key of your own. ' +
        'On the page that comes next, you can sign in with a key, or press “Continue on this machine” to come back.',
    },
    keys: {
      lead: 'Programs and people use this service with a key. Give each its own, with only what it needs.',
      create: 'Create a key',
      name: 'Name',
      nameHint: 'What the key is for, such as “Checkout” or “Anna, marketing”.',
      scopes: 'What it may do',
      scopesHint: 'This cannot be changed later. No permission includes another.',
      scopesMissing: 'Choose at least one.',
      scope: {
        READ: {
          name: 'See',
          hint: 'Pools, formats, tasks, claimed codes. The console needs it for most screens.',
        },
        MANAGE: {
          name: 'Manage',
          hint: 'Create and change pools and formats; generate, upload, withdraw and void codes; see available codes.',
        },
        CLAIM: { name: 'Claim', hint: 'Hand out codes: for a shop, a mailing, a campaign.' },
        REDEEM: { name: 'Redeem', hint: 'Use codes: for a till or a checkout.' },
        ADMIN: {
          name: 'Administer',
          hint: 'Create and revoke API keys; manage webhooks; forget recipients.',
        },
      },
      columns: {
        name: 'Name',
        may: 'May',
        hint: 'Begins with',
        created: 'Created',
        used: 'Last used',
      },
      never: 'Never',
      you: 'You',
      yourKey: 'You are signed in with this key.',
      revoked: 'Revoked',
      showRevoked: (n: number) => `Show ${counted(n, 'revoked key', 'revoked keys')}`,
      unlistableTitle: 'Existing keys are not shown',
      unlistable:
        'This key may create keys, but not see those that exist: that also needs the permission “See”.',
      created: 'Your new key',
      createdLead: 'Copy it now. It is shown only here, and cannot be shown again.',
      copySecret: 'Copy the key',
      copiedSecret: 'Copied',
      cannotCopy: 'This browser does not let the page copy. Select the key, and copy it with Ctrl+C or ⌘C.',
      notCopied: 'You have not copied the key yet. Once this is closed, it cannot be shown again.',
      closeAnyway: 'Close without the key',
      copiedByHand: 'I have copied it',
      done: 'Done',
      revoke: 'Revoke',
      wasRevoked: (name: string) => `“${name}” was revoked. Requests with it are refused from now on.`,
      revokeKey: (name: string) => `Revoke “${name}”`,
      revokeTitle: (name: string) => `Revoke “${name}”?`,
      revokeText:
        'Requests with this key are refused at once, and people who signed in with it are signed out. This cannot be undone.',
      lastUsed: 'Last used',
      neverUsed: 'It was never used.',
      revokeOwn: 'You are signed in with this key: you will be signed out.',
      revokeLastAdmin:
        'It is the last key that may manage API keys. After that, only whoever runs the service can create one.',
    },
  },
  pools: {
    sections: {
      'promo-codes': 'Promo Codes',
      tasks: 'Tasks',
      'all-codes': 'Codes',
      activity: 'Activity',
      settings: 'Settings',
    },
    sectionsOf: (name: string) => `Sections of ${name}`,
    lead: 'A pool is a stock of unique codes, for one campaign or one use.',
    create: 'Create a pool',
    createAndOpen: 'Create and choose its codes',
    name: 'Name',
    namePlaceholder: 'For example, Welcome 10%',
    nameMissing: 'Give the pool a name.',
    description: 'Description',
    descriptionHint: 'What the pool is for, for your team.',
    externalId: 'External ID',
    externalIdHint:
      'The id of the pool in another system, such as that of a campaign. Leave it empty if you have none.',
    search: 'Search by name',
    clearSearch: 'Clear the search',
    show: 'Show',
    filters: { all: 'Active', ready: 'Ready', low: 'Low', empty: 'Empty', archived: 'Archived' },
    total: (n: string) => counted(n, 'pool', 'pools'),
    columns: {
      name: 'Pool',
      status: 'Status',
      available: 'Available',
      claimed: 'Claimed',
      trend: 'Claims, 30 days',
      runsOut: 'Runs out',
    },
    status: { READY: 'Ready', LOW: 'Low', EMPTY: 'Empty', ARCHIVED: 'Archived' },
    statusHint: {
      READY: 'Codes are available.',
      LOW: 'Only a few codes are left: no more than the refill threshold.',
      EMPTY: 'No codes are available.',
      ARCHIVED: 'Nothing is added to it or claimed from it.',
    },
    counts: {
      available: 'Available',
      claimed: 'Claimed',
      redeemed: 'Redeemed',
      voided: 'Void',
      withdrawn: 'Withdrawn',
    },
    countHints: {
      available: 'Codes that can be claimed now.',
      claimed:
        'Codes that have been handed out, including those that were redeemed, voided or expired since.',
      redeemed: 'Claimed codes that have been used.',
      voided: 'Claimed codes that are no longer good.',
      withdrawn: 'Codes that were taken out of the stock. They can be restored.',
      archived: 'Codes that nobody has claimed. Nobody can, unless the pool is unarchived.',
    },
    stock: (share: string) => `${share} of its codes are still available`,
    stockArchived: (share: string) => `${share} of its codes were never claimed`,
    trend: (n: string) =>
      `${n === '0' ? 'No codes' : counted(n, 'code', 'codes')} claimed in the last 30 days`,
    refills: 'Refills itself',
    refillsHint: (quantity: string) =>
      `Auto-generate is on: ${counted(quantity, 'code', 'codes')} more when the pool runs out.`,
    outlook: {
      early: 'Too early to say',
      idle: 'No recent claims',
      far: 'In over 10 years',
    },
    outlookHints: {
      early: () => 'The pool is less than a day old.',
      idle: () => 'No codes were claimed in the last 7 days.',
      far: runsOutHint,
      dated: runsOutHint,
    },
    ranOut: 'Out of codes',
    actions: (name: string) => `Actions for ${name}`,
    noneTitle: 'Create your first pool',
    noneHint:
      'A pool is a stock of unique codes that your campaigns draw from. Create one, then generate codes for it in its Promo Codes section, or upload a file.',
    noneReadOnly: 'There are no pools yet. Creating one needs a key that may manage pools.',
    noMatch: 'No pool matches',
    noMatchHint: 'Try another name, or another filter.',
    noActiveMatch: 'No active pool matches',
    noArchivedMatch: 'No archived pool matches',
    matchElsewhere: (found: readonly string[], isOne: boolean) =>
      `But ${list(found)} ${isOne ? 'does' : 'do'}.`,
    activeCount: (n: string) => counted(n, 'active pool', 'active pools'),
    archivedCount: (n: string) => counted(n, 'archived pool', 'archived pools'),
    see: (what: string) => `See ${what}`,
    clear: 'Show all active pools',
    noneArchived: 'No pool is archived',
    noneArchivedHint:
      'Archive a pool when its campaign is over: it keeps its codes, and no longer hands them out.',
    archive: 'Archive',
    unarchive: 'Unarchive',
    archiveTitle: (name: string) => `Archive “${name}”?`,
    archiveText: (available: string) =>
      available === '0'
        ? 'Nothing can be generated into it, uploaded to it or claimed from it any more. None of its codes are available now.'
        : `${counted(available, 'available code', 'available codes')} can no longer be claimed, and nothing is generated or uploaded.`,
    archiveKept: (claimed: string) =>
      claimed === '0'
        ? 'You can unarchive the pool at any time.'
        : `${counted(claimed, 'claimed code', 'claimed codes')} can still be looked up, redeemed and downloaded. You can unarchive the pool at any time.`,
    archiveAction: 'Archive the pool',
    wasArchived: (name: string) => `“${name}” was archived. It is in the list of pools under “Archived”.`,
    unarchiveTitle: (name: string) => `Unarchive “${name}”?`,
    unarchiveText: (available: string) =>
      available === '0'
        ? 'The pool has no codes, but can be filled again.'
        : `${counted(available, 'code', 'codes')} can be claimed again, and the pool can be filled.`,
    unarchiveAction: 'Unarchive the pool',
    archived: 'This pool is archived',
    archivedHint:
      'No codes are claimed from it, generated into it or uploaded to it. Its claimed codes can still be looked up, redeemed and downloaded.',
    archivedSince: 'Archived',
  },
  welcome: {
    title: 'Welcome',
    lead: 'You are signed in with',
    may: 'It may',
    withoutRead: 'To see pools and their codes here, sign in with a key that may also do that.',
    redeem: 'Redeem a code',
    keys: 'API keys',
    claims: 'Claiming is done through the API: your programs do it with this key.',
    api: 'Open GraphiQL',
    otherKey: 'Sign in with another key',
  },
  settings: {
    title: 'Settings',
    general: 'General',
    saved: 'The pool was saved.',
    termsSaved: 'The terms were saved.',
    terms: 'Terms',
    termsLead: 'When the pool hands out codes, and how long these are good.',
    termsScope:
      'New terms apply to codes that are claimed from now on. Codes that were claimed before keep their expiry.',
    issuing: 'When codes are handed out',
    issueFrom: 'From',
    issueFromHint: 'Earlier claims are refused. Empty: from now on.',
    issueUntil: 'Until',
    issueUntilHint: 'Later claims are refused. Empty: without end.',
    expiry: 'How long they are good',
    validFor: 'For how long after the claim',
    validForHint: 'Empty: no such limit.',
    validForUnit: 'Unit',
    validUntil: 'Not after',
    validUntilHint: 'All codes expire then. Empty: no such limit.',
    zone: (zone: string) => `Times are in your time zone, ${zone}.`,
    units: { days: 'days', hours: 'hours', minutes: 'minutes', seconds: 'seconds' },
    good: (length: string) => `${length} after the claim`,
    durationInvalid: 'Enter a number greater than 0, or leave it empty.',
    onePerRecipient: 'Only one code for each recipient',
    onePerRecipientHint:
      'Whoever asks again gets the same code. Every claim is then for one code, and has to say for whom.',
    renewAfter: 'A recipient gets a new code after all when theirs',
    renew: { EXPIRED: 'has expired', REDEEMED: 'has been redeemed', VOIDED: 'was voided' },
    recipients: 'Recipients',
    many: 'A recipient can get any number of codes.',
    one: 'One code for each recipient.',
    always: 'Always',
    unlimited: 'They do not expire.',
    pastIssueUntil: 'This is in the past: the pool will hand out no codes.',
    pastValidUntil:
      'This is in the past: the pool will hand out no codes, and new terms do not bring expired ones back.',
    futureIssueFrom: 'The pool hands out no codes until then.',
    archiving: 'Archive',
    archivingHint: 'When the campaign is over. Nothing is deleted, and you can unarchive the pool.',
  },
  promoCodes: {
    method: 'How this pool is filled',
    methods: { GENERATE: 'Generate promo codes', UPLOAD: 'Upload from a file' },
    methodHints: {
      GENERATE: 'Unique codes are created for you, from a format.',
      UPLOAD: 'You bring your own codes, as CSV or one per line.',
    },
    format: 'Promo code format',
    pickFormat: 'Pick an existing format',
    searchFormats: 'Search by name',
    createFormat: 'Create a new format',
    noFormats:
      'You have no formats yet. A format defines what the codes look like: their length, characters, and a fixed ' +
      'beginning or end.',
    noFormat: 'Pick a format, or create a new one.',
    notChosen: 'Not chosen yet',
    looksLike: 'Looks like',
    left: (n: string) => (n === '0' ? 'none left' : `${count(n)} available`),
    quantity: 'Quantity',
    quantityHint: 'How many codes to generate now, and with each refill',
    availableHint: 'Your quantity cannot exceed it',
    pickFirst: 'Pick a format first',
    noQuantity: 'Enter how many codes to generate.',
    notWhole: 'Enter a whole number, such as 10,000.',
    tooFew: 'Enter at least 1.',
    tooMany: (available: string) =>
      available === '0'
        ? 'This format has no codes left. Pick or create one with more room: longer, or with more characters.'
        : `Only ${count(available)} are available. Enter less, or use a format with more room: longer, or with more ` +
          'characters.',
    autoGenerate: 'Auto-generate promo codes if they run out',
    autoGenerateHint:
      'A new batch is generated as soon as the last code of the pool is handed out, so campaigns that rely on it do ' +
      'not stall.',
    turnOn: 'Turn it on',
    turnOnFor: 'for always-on use: welcome flows, evergreen offers, referral programs.',
    leaveOff: 'Leave it off',
    leaveOffFor: 'for one-time campaigns with a fixed code budget.',
    advanced: 'Advanced',
    threshold: 'Refill when this many codes or fewer are left',
    thresholdHint: '0 refills the pool when its last code is handed out. From here on, its status is Low.',
    saveAndGenerate: 'Save and generate',
    saved: 'The Promo Codes section was saved.',
    isSaved: (quantity: string, autoGenerate: boolean) =>
      `You have just asked for ${counted(quantity, 'code', 'codes')}. ` +
      (autoGenerate
        ? 'These settings are saved: the pool refills itself when it runs out.'
        : 'These settings are saved.'),
    anotherTitle: (quantity: string) => `Generate another ${counted(quantity, 'code', 'codes')}?`,
    another: (quantity: string) =>
      `You have just asked for ${counted(quantity, 'code', 'codes')} with these settings. The pool would get as many once more.`,
    anotherAction: (quantity: string) => `Generate ${count(quantity)} more`,
    refilled: (n: string | bigint) => `The pool refilled itself with ${counted(n, 'code', 'codes')}.`,
    neverSaved: 'No method was saved: codes were added by hand, if at all.',
    uploadsFromNowOn: {
      body: 'An upload changes nothing of how this pool is filled. If you will always upload its codes, you can note that, and this section opens with it.',
      turnsOff:
        'This pool auto-generates codes when they run out. An upload does not change that. If you will only upload its codes from now on, auto-generate is turned off.',
      action: 'From now on, fill this pool by uploads',
    },
    lostAnswer:
      'Look among the tasks, or press “Save and generate” again: if the codes are being generated, they are not generated twice.',
    lostBefore:
      'The answer to your last “Save and generate” was lost, so it is not known whether its codes are being generated. Press ' +
      'it again with the same to see: they are not generated twice.',
    refillTitle: 'Save and refill the pool now?',
    refillQuestion: ({ available, threshold, refill, left }: RefillAtOnce) => {
      const stock =
        available === '0'
          ? 'The pool is empty.'
          : `The pool has ${counted(available, 'code', 'codes')}, and is refilled at ${count(threshold)} or fewer.`
      if (left === 0n) return `${stock} The format has no codes left, so it cannot be refilled now.`
      if (left < refill)
        return `${stock} Saving generates the last ${counted(left, 'code', 'codes')} of the format immediately.`
      return `${stock} Saving generates ${counted(refill, 'code', 'codes')} immediately.`
    },
    refillAction: 'Save and refill',
    task: 'Generation',
    openTask: 'Open the task',
    recentTasks: 'Recent tasks',
    allTasks: 'All tasks',
    on: (threshold: string) =>
      threshold === '0' ? 'On: when the last code is handed out' : `On: at ${threshold} codes or fewer`,
    off: 'Off',
  },
  tasks: {
    tasks: 'Tasks',
    task: 'Task',
    status: 'Status',
    statuses: {
      AWAITING_EXECUTION: 'Awaiting execution',
      RUNNING: 'Running',
      COMPLETED: 'Completed',
      FAILED: 'Failed',
      CANCELLED: 'Cancelled',
      UNDONE: 'Undone',
    },
    title: ({ kind, quantity, addedCount, upload }: TaskTitle) => {
      if (kind === 'GENERATION') return `Generation of ${counted(quantity ?? '0', 'code', 'codes')}`
      const rows = upload?.rowsRead ?? '0'
      if (upload?.dryRun === true)
        return rows === '0' ? 'Check of a file' : `Check of a file of ${counted(rows, 'row', 'rows')}`
      return addedCount === '0' ? 'Upload' : `Upload of ${counted(addedCount, 'code', 'codes')}`
    },
    ofPool: (pool: string) => `Tasks of ${pool}`,
    startedBy: 'Started by',
    triggers: {
      MANUAL: 'A person or an integration',
      AUTO_GENERATE: 'Auto-generate, as the pool was running out',
    },
    triggerAfter: (trigger: string, actor: string) => `${trigger}, after a request of ${actor}`,
    format: 'Promo code format',
    quantity: 'Quantity',
    createdAt: 'Created',
    finishedAt: 'Finished',
    took: (time: string) => `after running for ${time}`,
    generated: 'Codes generated',
    added: 'Codes added to the pool',
    wouldAdd: 'Codes that would be added',
    duplicatesInFile: 'Duplicates in the file',
    duplicatesInAccount: 'Already in your account',
    refused: 'Refused',
    addedShort: (n: string) => `${n} added`,
    result: ({ generatedCount, addedCount, kind }: TaskResult) =>
      kind === 'GENERATION'
        ? `${counted(generatedCount, 'code', 'codes')} generated, ${count(addedCount)} added to the pool.`
        : `${counted(addedCount, 'code', 'codes')} added to the pool.`,
    progress: (share: string) => `${share} of the file has been read`,
    seeCodes: 'See the codes',
    download: 'Download the codes',
    failed: {
      GENERATION: 'No codes were generated',
      UPLOAD: 'No codes were added',
    },
    again: 'Go to the Promo Codes section to try again',
    cancelled: 'The task was cancelled. It has added nothing to the pool.',
    undone: 'The upload was undone: its codes were removed from the pool.',
    cancel: {
      GENERATION: {
        title: 'Cancel the generation?',
        question: (n: string) =>
          `None of the ${counted(n, 'code', 'codes')} will be generated, and nothing is added to the pool. What is ` +
          'reserved for the task becomes available for generation again.',
        action: 'Cancel the generation',
      },
      UPLOAD: {
        title: 'Cancel the upload?',
        question: () => 'Nothing of the file is added to the pool, including the rows that have been read.',
        action: 'Cancel the upload',
      },
    },
    noneTitle: 'No tasks yet',
    none: 'Each batch of codes that is generated or uploaded into this pool is a task, and its progress shows here.',
    toPromoCodes: 'Add the first codes in the Promo Codes section',
  },
  uploads: {
    steps: { label: 'Steps of the upload', choose: 'Choose a file', check: 'Check it', add: 'Add the codes' },
    drop: 'Drop a file of codes here',
    dropHint:
      'A CSV file, or a text with one code in each line. From Excel, save the sheet as “CSV UTF-8”. It is checked first: nothing is added before you have seen what would be.',
    chooseFile: 'Choose a file',
    otherFile: 'Choose another file',
    oneFile: 'Drop one file at a time. Each is a task of its own, which can be undone by itself.',
    noFile: 'There was no file in what you dropped. Drop a file of codes.',
    archived: 'This pool is archived, so nothing can be uploaded to it.',
    fileChanged:
      'The file can no longer be read: it may have been changed, moved or deleted since you chose it. Choose it again.',
    checking: 'Checking the file',
    adding: 'Adding the codes',
    sendingPhase: (sent: string, size: string) => `${sent} of ${size} sent`,
    arriving: 'The file has been sent. Waiting for the answer.',
    nothingAddedYet: 'Nothing is added in this step.',
    addedTogether: 'The codes appear in the pool all together when the whole file has been read.',
    mayLeave: 'You may look at other pages meanwhile. Keep this tab open until the file has been sent.',
    mayClose: 'The file has arrived. You may close this page: the task goes on.',
    rowsRead: (rows: string) => `${counted(rows, 'row', 'rows')} read`,
    timeLeft: (left: string) => `about ${left} left`,
    waitingFor: {
      WORKER: 'Waiting for a worker to start it.',
      EARLIER_UPLOAD: 'Waiting for an earlier upload: files are read one after the other.',
      CLEARING: 'Waiting until the codes of an upload that was undone or cancelled are cleared away.',
    },
    awaiting: 'Awaiting execution',
    stop: 'Cancel',
    unsent: 'The file was not uploaded',
    sendAgain: 'Try again',
    sendAgainHint: 'Trying again adds nothing twice, even if the file had arrived.',
    checked: 'Checked. Nothing has been added yet.',
    checkAgainFirst: 'You have changed how the file is read: check it again to see what it adds.',
    wouldAdd: (n: string) => `${counted(n, 'code', 'codes')} would be added`,
    add: (n: string) => `Add ${counted(n, 'code', 'codes')}`,
    howRead: 'How the file was read',
    headerInRow: (row: number) => `Row ${row} is the header.`,
    noHeader: 'There is no header: the first row is a code.',
    codesInColumn: (name: string) => `The codes are in the column “${name}”.`,
    codesInColumnNumber: (number: number) => `The codes are in column ${number}.`,
    firstCodes: 'The first codes',
    beginning: 'How the file begins',
    sayHow: 'Say here how to read it, and it is checked again.',
    row: 'Row',
    column: (number: number) => `Column ${number}`,
    header: 'Header',
    codes: 'Codes',
    notRight: 'Read it differently',
    whichColumn: 'Which column has the codes?',
    whichColumnHint:
      'Press it in the table, and say whether the first row is a header. The file is then checked again.',
    unclear: 'Is the first row a header, or a code?',
    unclearHint: 'The file could be read both ways. Say which it is, and it is checked again.',
    rowIsHeader: (row: number) => `Row ${row} is the header`,
    rowIsCode: (row: number) => `Row ${row} is a code`,
    checkCancelled: 'The check was cancelled. Nothing was added.',
    checkFailed: 'The file cannot be added like this',
    settings: {
      header: 'The first row is a header',
      headerYes: 'Yes',
      headerNo: 'No, it is a code',
      headerDecide: 'Decide from the file',
      column: 'Column with the codes',
      columnDecide: 'Decide from the file',
      pickColumn: 'Pick a column',
      noColumn: 'Pick the column with the codes.',
      caseSensitive: 'Codes that differ only in case, spaces or dashes are different codes',
      caseSensitiveHint:
        'Usually they are the same to people and tills, so spring-10 counts as a duplicate of SPRING10.',
      checkAgain: 'Check again',
    },
    rejected: 'Rows that are not added',
    rejectedColumns: { row: 'Row', code: 'Code', reason: 'Reason' },
    rejectedFile: 'Download all as CSV',
    rejectedGone: 'The rows are no longer kept.',
    rejectedHidden:
      'A key without the permission “Manage” does not see the rows, as they may be codes that anybody could use.',
    done: (n: string) => `${counted(n, 'code was', 'codes were')} added to the pool`,
    areIn: 'They can be claimed from now on, and there is nothing left to save.',
    doneNothing: 'Nothing was added to the pool',
    failed: 'The upload failed',
    cancelled: 'The upload was cancelled',
    undone: 'The upload was undone',
    seeCodes: 'See the codes',
    download: 'Download the codes',
    another: 'Upload another file',
    undo: {
      action: 'Undo upload',
      title: 'Undo this upload?',
      body: (n: string, pool: string) =>
        `${counted(n, 'code is', 'codes are')} removed from “${pool}”, and cannot be claimed any more. The file can be uploaded again later.`,
      confirm: (n: string) => `Remove ${counted(n, 'code', 'codes')}`,
      claimed: (n: string) =>
        `${counted(n, 'of its codes has', 'of its codes have')} been claimed, so the upload cannot be undone. You can withdraw the others.`,
      done: (n: string) => `${counted(n, 'code was', 'codes were')} removed.`,
    },
  },
  codes: {
    show: 'Which codes to show',
    views: { claimed: 'Claimed', claims: 'By recipient', available: 'Available', withdrawn: 'Withdrawn' },
    columns: {
      code: 'Code',
      codes: 'Codes',
      validity: 'Status',
      recipient: 'Recipient',
      claimedAt: 'Claimed',
      expiresAt: 'Expires',
      origin: 'From',
      pool: 'Pool',
      actions: 'Actions',
    },
    validities: {
      VALID: 'Good',
      REDEEMED: 'Redeemed',
      VOIDED: 'Void',
      EXPIRED: 'Expired',
      NOT_CLAIMED: 'Not claimed yet',
      WITHDRAWN: 'Withdrawn',
    },
    never: 'Never',
    nobody: 'Nobody in particular',
    uploaded: 'An uploaded file',
    theCode: (code: string) => `the code ${code}`,
    choose: (code: string) => `Choose ${code}`,
    chooseAll: 'Choose all on this page',
    chooseHint: 'Newest first. Choose codes to void them.',
    chosen: (codes: string) => `${codes} chosen`,
    stock: {
      AVAILABLE: {
        lead: 'In the order in which they will be claimed',
        change: 'Withdraw codes',
        emptyTitle: 'No codes are available',
        empty: 'Generate codes or upload a file of them, and they can be claimed from here.',
      },
      WITHDRAWN: {
        lead: 'In the order in which they would be restored',
        change: 'Restore codes',
        emptyTitle: 'No codes are withdrawn',
        empty:
          'Withdraw available codes when a file of them has leaked, or a campaign has ended. They wait here until you restore them.',
      },
    },
    toPromoCodes: 'Add codes in the Promo Codes section',
    noClaimsTitle: 'No codes have been claimed yet',
    noClaims:
      'Codes that campaigns and integrations claim show here, and so do those that you claim by hand.',
    findRecipient: 'Find a recipient',
    recipientHint: 'Exactly as in the claims: capital letters and spaces matter.',
    clearRecipient: 'Show all recipients again',
    noSuchRecipient: 'This recipient has no codes of this pool. Capital letters and spaces matter.',
    noSuchCustomer: 'No customer has codes under exactly this name. Capital letters and spaces matter.',
    searchFor: (recipient: string) => `Search for “${recipient}”`,
    codesOfClaim: 'The codes of the claim',
    ofClaim: (n: string, recipient: string | null) =>
      `${counted(n, 'code', 'codes')} of ${recipient === null ? 'a claim' : `“${recipient}”`}`,
    claimActions: (what: string) => `Actions for ${what}`,
    downloadClaim: 'Download as CSV',
    allOfRecipient: (recipient: string, isOfPool: boolean) =>
      `all codes of “${recipient}” in ${isOfPool ? 'this pool' : 'all pools'}`,
    voidAll: 'Void all of them',
    unvoidAll: 'Unvoid all of them',
    forget: {
      button: 'Forget this recipient',
      title: (recipient: string) => `Forget “${recipient}”?`,
      body: 'The recipient is erased from every claim in all pools of your account. The codes and the counts stay. This cannot be taken back, and a pool with one code for each recipient would give another one.',
      action: 'Forget the recipient',
      done: (n: string) => `The recipient was erased from ${counted(n, 'claim', 'claims')}.`,
    },
    downloads: {
      button: 'Download',
      hint: 'CSV files, also for Excel, with the pool as it is now',
      claimed: (n: string) => ({
        title: `Claimed codes (${count(n)})`,
        hint: 'With recipient, time, expiry, and what became of each',
      }),
      available: (n: string) => ({
        title: `Available codes (${count(n)})`,
        hint: 'Anyone who has this file can use them once they are claimed',
      }),
      withdrawn: (n: string) => ({ title: `Withdrawn codes (${count(n)})`, hint: 'Taken out of the stock' }),
      all: (n: bigint) => ({
        title: `All codes (${count(n)})`,
        hint: 'Oldest first, with the status of each',
      }),
    },
    reason: 'Reason',
    reasonHint: 'For those who look up one of the codes, or read the history of the pool.',
    withdrawReasonHint: 'For those who read the history of the pool.',
    task: 'Task',
    ofTask: 'Only those that one task has added',
    noTask: 'No task has added codes to this pool.',
    taskLabel: {
      GENERATION: (n: string, at: string) => `${at}: ${counted(n, 'code', 'codes')} generated`,
      UPLOAD: (n: string, at: string) => `${at}: ${counted(n, 'code', 'codes')} uploaded`,
    },
    keepAutoGenerate: 'Keep auto-generate on',
    autoGenerateEnds:
      'Auto-generate is on. Withdrawing turns it off, so that no new codes replace those that are withdrawn.',
    autoGenerateStays:
      'Auto-generate stays on, so the pool may refill itself with new codes as soon as these are withdrawn.',
    sayWhich: 'Say which codes.',
    voidMany: 'Codes of one task',
    changes: {
      withdraw: {
        title: 'Withdraw available codes',
        body: 'They can no longer be claimed until you restore them. Codes that somebody has stay as they are.',
        which: 'Which codes',
        all: (n: string) => `All ${counted(n, 'available code', 'available codes')}`,
        none: 'None of these codes is available, so there is nothing to withdraw.',
        action: (n: string) => `Withdraw ${counted(n, 'code', 'codes')}`,
        done: (n: string) => `${counted(n, 'code was', 'codes were')} withdrawn.`,
      },
      restore: {
        title: 'Restore withdrawn codes',
        body: 'They can be claimed again, after the codes that are available now. If withdrawing them turned auto-generate off, turn it on again in the Promo Codes section.',
        which: 'Which codes',
        all: (n: string) => `All ${counted(n, 'withdrawn code', 'withdrawn codes')}`,
        none: 'None of these codes is withdrawn, so there is nothing to restore.',
        action: (n: string) => `Restore ${counted(n, 'code', 'codes')}`,
        done: (n: string) => `${counted(n, 'code was', 'codes were')} restored.`,
      },
      void: {
        menu: 'Void the codes of a task',
        title: 'Void the claimed codes of a task',
        body: 'For example when an uploaded file has leaked: the codes of it that somebody has can no longer be redeemed. Redeemed codes stay redeemed.',
        which: '',
        all: (_n: string) => '',
        none: 'None of the codes of this task has been claimed. Withdraw them instead.',
        action: (n: string) => `Void up to ${counted(n, 'code', 'codes')}`,
      },
      unvoid: {
        menu: 'Unvoid the codes of a task',
        title: 'Unvoid the codes of a task',
        body: 'Those that are void are good again, unless they have expired.',
        which: '',
        all: (_n: string) => '',
        none: 'None of the codes of this task has been claimed.',
        action: (n: string) => `Unvoid up to ${counted(n, 'code', 'codes')}`,
      },
    },
    voiding: {
      void: 'Void',
      unvoid: 'Unvoid',
      title: (what: string) => `Void ${what}?`,
      body: 'Void codes can no longer be redeemed. Codes that have been redeemed stay so. You can unvoid them later.',
      action: (what: string) => `Void ${what}`,
      unvoidTitle: (what: string) => `Unvoid ${what}?`,
      unvoidBody: 'Those that are void are good again, unless they have expired.',
      unvoidAction: (what: string) => `Unvoid ${what}`,
      voided: (n: string) => `${counted(n, 'code was', 'codes were')} voided`,
      alreadyVoid: (n: string) => `${counted(n, 'was', 'were')} void already`,
      redeemed: (n: string) => `${counted(n, 'is redeemed and stays so', 'are redeemed and stay so')}`,
      notClaimed: (n: string) => `${counted(n, 'has not been claimed', 'have not been claimed')}`,
      unvoided: (n: string) => `${counted(n, 'code was', 'codes were')} unvoided`,
      notVoid: (n: string) => `${counted(n, 'was not void', 'were not void')}`,
    },
    claim: {
      button: 'Claim codes',
      title: (pool: string) => `Claim codes of “${pool}”`,
      some: 'Some codes',
      list: 'For a list of recipients',
      file: 'As a file',
      count: 'Number of codes',
      countHint: (available: string) =>
        `At most 10,000 at once. ${counted(available, 'code is', 'codes are')} available.`,
      recipient: 'Recipient',
      recipientHint:
        'Who the codes are for, such as an email address or a customer number. You may leave it empty.',
      recipientNeeded: 'This pool gives each recipient one code, so say who it is for.',
      onePerRecipient:
        'This pool gives each recipient one code: who claims again gets the same one. Capital letters and spaces matter.',
      expiresAt: 'Good until',
      expiresAtHint:
        'Leave it empty, and the codes expire as the terms of the pool say. A date here can only be earlier than that.',
      pastExpiry: 'The time must be in the future.',
      submit: 'Claim',
      submitList: (n: string) => `Claim for ${counted(n, 'recipient', 'recipients')}`,
      notWhole: 'Give a whole number, such as 100.',
      tooFew: 'Claim at least one code.',
      tooMany: (max: string) => `Claim at most ${max} here. Claim more as a file.`,
      claimed: (n: string) =>
        n === '0' ? 'Nothing had to be claimed.' : `${counted(n, 'code was', 'codes were')} claimed.`,
      held: (n: string) =>
        `${counted(n, 'recipient already had a code and keeps it', 'recipients already had a code and keep it')}.`,
      heldColumn: 'Already had it',
      heldBefore: 'Yes',
      copyAll: 'Copy all codes',
      saveAsFile: 'Save as CSV',
      again: 'Claim more',
      result: 'The claimed codes',
      moreRows: (n: string) => `And ${n} more, which copying and the file include.`,
      recipients: 'Recipients',
      recipientsHint:
        'One in each line, such as email addresses. Spaces at the ends of lines and empty lines are left out. Each gets a code, or none does.',
      noRecipients: 'Give at least one recipient.',
      split: (n: string) => `Split into ${counted(n, 'recipient', 'recipients')}`,
      removeRepeated: (n: string) => (n === '1' ? 'Remove the repeat' : `Remove ${count(n)} repeats`),
      repeated: (n: string) => `${counted(n, 'line repeats', 'lines repeat')} an earlier one`,
      tooManyRecipients: (max: string) =>
        `At most ${max} recipients can be claimed for at once. Split the list.`,
      recipientTooLong: (beginning: string) =>
        `“${beginning}” has more than 1,000 characters. Each recipient needs a line of its own.`,
      listTooLong: 'The list is too long for one request. Split it.',
      fileTooLarge: 'The file is too large for a list of recipients. Split it.',
      chooseList: 'Choose a file of recipients',
      fileLead: 'For a print shop or a mailing house: any number of codes, which you download as a file.',
      fileCountHint: (available: string) =>
        `You get all of them or none. ${counted(available, 'code is', 'codes are')} available.`,
      download: 'Download the codes',
      fileLater: 'The file can be downloaded again later, from the claim under By recipient.',
    },
    lookUp: {
      title: 'Look up a code',
      lead: 'Whether it is good, who has it, and what became of it. Or find everything that a customer has.',
      kind: 'What to look for',
      code: 'Code',
      customer: 'Customer',
      customerHint:
        'Such as an email address or a customer number, as it was given with the codes. All pools are searched.',
      isCustomer: (recipient: string) => `See the codes of the customer “${recipient}”`,
      wholeCode: (prefixes: string) => `The whole code is needed, with its beginning, as in ${prefixes}.`,
      hint: 'As it is read out or written on a card: capital letters, spaces, dashes and mix-ups such as O and 0 do not matter.',
      none: 'There is no such code',
      noneHint: 'Check it for missing or doubled characters. If several codes could be meant, none is shown.',
      limited: 'Too many look-ups have found nothing',
      limitedHint: (left: string) =>
        `So that nobody can guess codes, they are limited. This code is looked up in ${left}.`,
      meanings: {
        VALID: 'Somebody has it, and it can be redeemed.',
        REDEEMED: 'It has been used, and cannot be used again.',
        VOIDED: 'It has been declared no longer good.',
        EXPIRED: 'Its time is over.',
        NOT_CLAIMED: 'Nobody has it: it is in the stock of its pool.',
        WITHDRAWN: 'It was taken out of the stock before anybody had it.',
      },
      pool: 'Pool',
      origin: 'From',
      recipient: 'Recipient',
      claimed: 'Claimed',
      together: (n: string) => `with ${counted(BigInt(n) - 1n, 'other code', 'other codes')}`,
      expires: 'Expires',
      redeemed: 'Redeemed',
      reference: 'Reference',
      place: 'Place',
      voided: 'Voided',
      noReason: 'None given',
    },
    redeem: {
      title: 'Redeem a code',
      lead: 'Scan or type the code that a customer shows.',
      action: 'Redeem',
      submit: 'Redeem',
      code: 'Code',
      codeHint: 'Capital letters, spaces and dashes do not matter.',
      noCode: 'Give the code.',
      reference: 'Reference',
      referenceHint: 'What it is used for, such as the number of the order.',
      noReference: 'Give a reference, such as the number of the order.',
      place: 'Place',
      placeHint: 'Where it is used, such as a shop or a till. You may leave it empty.',
      done: (code: string) => `${code} is redeemed`,
      already: (code: string) => `${code} had already been redeemed for this reference`,
      from: (pool: string, reference: string) => `Pool “${pool}”, reference ${reference}`,
      recent: 'Redeemed just now',
    },
    rollBack: {
      action: 'Roll back',
      title: (code: string) => `Roll the redemption of ${code} back?`,
      body: 'It no longer counts as used, and can be redeemed again, unless it has expired or was voided meanwhile.',
      done: (code: string) => `The redemption of ${code} was rolled back.`,
    },
  },
  activity: {
    lead: 'What happens in your pools, as it happens. The Activity of each pool has charts of its claims over time.',
    today: {
      title: 'What happened today',
      nothing: 'No codes were claimed, redeemed or added yet.',
      byPool: 'Today, by pool',
      counted: {
        claimedCount: (n: bigint) => `${count(n)} claimed`,
        redeemedCount: (n: bigint) => `${count(n)} redeemed`,
        addedCount: (n: bigint) => `${count(n)} added`,
      },
      pool: 'Pool',
      all: (n: bigint) => `Show all ${counted(n, 'pool', 'pools')}`,
      more: (n: bigint, total: string) =>
        `These are the newest ${counted(n, 'pool', 'pools')} of ${count(total)}. Older pools do not count here: see the Activity of each.`,
    },
    period: 'Period',
    periods: { hours: '24 hours', days: '30 days', weeks: '26 weeks', months: '12 months' },
    steps: { hours: 'by hour', days: 'by day', weeks: 'by week', months: 'by month' },
    view: 'Show as',
    views: { charts: 'Charts', table: 'Table' },
    counts: {
      claimed: 'Claimed',
      redeemed: 'Redeemed',
      available: 'Available',
      added: 'Added',
    },
    lastStep: 'so far',
    now: 'now',
    chart: (what: string, by: string, total: string) =>
      `${what} ${by}: ${total}. The table has the exact counts.`,
    inTotal: (n: string) => `${n} in total`,
    table: {
      time: 'Beginning',
      available: 'Available at the end',
      total: 'Total',
      caption: 'Every count is exact.',
      region: 'Activity as a table',
      download: 'Download as CSV',
      file: 'activity.csv',
    },
    nothing: {
      title: 'Nothing has been claimed yet',
      advice:
        'Once codes are added to the pool and claimed from it, you see here how many, and how long the stock lasts.',
      action: 'Add promo codes',
    },
    forecast: {
      title: 'Forecast',
      rate: (n: string, span: 'day' | 'week') => `${n} ${n === '1' ? 'claim' : 'claims'} a ${span}`,
      early: 'It is too early to say how long the stock will last: the pool is less than a day old.',
      none: 'No codes were claimed in the last 7 days. Once some are, you see here how long the stock will last.',
      lasts: 'At {rate}, the pool runs out {time}.',
      refills: 'At {rate}, the pool runs low {time}, and then refills itself.',
      empty: 'None of its codes are available. At {rate}, it needs new ones for every day to come.',
      far: 'At {rate}, the available codes last for more than 10 years.',
      format:
        'The codes that its format {format} can still generate run out {time}, if no other pool uses them.',
      formatFar: 'Its format {format} lasts for more than 10 years, if no other pool uses it.',
      on: 'on {day}, {distance}',
      basis: 'By the claims of the last 7 days, or since the pool was created.',
    },
    feed: {
      title: 'Events',
      everyStep: 'Show every step',
      empty: 'Nothing has happened yet',
      emptyAccount: 'Create a pool, and everything that happens to it is told here.',
      fresh: (n: string | bigint) => counted(n, 'new event', 'new events'),
      ended: 'New events are no longer shown. Reload the page to go on.',
      task: 'Task',
    },
    events: {
      service: 'The service',
      thisPool: 'the pool',
      ThisPool: 'The pool',
      unknown: 'Something happened to {pool} that this page does not know yet. Reload it to see what.',
      created: '{who} created {pool}.',
      createdAs: '{who} created {pool}, under the name “{name}”.',
      archived: '{who} archived {pool}.',
      unarchived: '{who} unarchived {pool}.',
      changed: '{who} changed {pool}: {changes}.',
      changes: {
        NAME: (name: string) => `its name is now “${name}”`,
        DESCRIPTION: () => 'its description',
        EXTERNAL_ID: () => 'its external id',
        REPLENISHMENT: () => 'its Promo Codes section',
        TERMS: () => 'its terms',
        ARCHIVED: () => 'whether it is archived',
      },
      generation: {
        AWAITING_EXECUTION: '{who} asked to generate {quantity} from {format} for {pool}.',
        RUNNING: 'The generation of {quantity} for {pool} is running.',
        COMPLETED: 'The generation of {quantity} for {pool} has completed.',
        CANCELLED: '{who} cancelled the generation of {quantity} for {pool}.',
        FAILED: 'The generation of {quantity} for {pool} failed: {failure}',
        UNDONE: '{who} undid the generation of {quantity} for {pool}.',
      },
      refill: {
        AWAITING_EXECUTION: 'The service began to refill {pool} with {quantity} from {format}{cause}.',
        RUNNING: 'The refill of {pool} with {quantity} is running.',
        COMPLETED: 'The service refilled {pool} with {quantity} from {format}{cause}.',
        CANCELLED: '{who} cancelled the refill of {pool} with {quantity}.',
        FAILED: 'The refill of {pool} with {quantity} failed: {failure}',
        UNDONE: '{who} undid the refill of {pool} with {quantity}.',
      },
      cause: ', after a request of ',
      upload: {
        AWAITING_EXECUTION: '{who} uploaded a file of codes to {pool}.',
        RUNNING: 'The file of codes for {pool} is being read.',
        COMPLETED: 'The upload to {pool} has completed.',
        CANCELLED: '{who} cancelled the upload to {pool}.',
        FAILED: 'The upload to {pool} failed: {failure}',
        UNDONE: '{who} undid the upload to {pool}: its codes were removed.',
      },
      dryRun: {
        AWAITING_EXECUTION: '{who} had a file of codes for {pool} checked.',
        RUNNING: 'The file of codes for {pool} is being checked.',
        COMPLETED: 'The check of a file of codes for {pool} has completed. It added nothing.',
        CANCELLED: '{who} cancelled the check of a file of codes for {pool}.',
        FAILED: 'The check of a file of codes for {pool} failed: {failure}',
        UNDONE: '{who} undid the check of a file of codes for {pool}.',
      },
      added: {
        generation: 'The generation added {count} to {pool}.',
        refill: 'The refill added {count} to {pool}.',
        upload: 'The upload added {count} to {pool}.',
        dryRun: 'The check of a file added {count} to {pool}.',
      },
      done: {
        generation: '{who} generated {count} from {format} for {pool}.',
        refill: 'The service refilled {pool} with {count} from {format}{cause}.',
        upload: '{who} added {count} to {pool} from a file.',
        dryRun: '{who} had a file of codes for {pool} checked. Nothing was added.',
      },
      refillFailed: '{Pool} could not be refilled in full: {failure}',
      low: '{Pool} ran low: {count} left.',
      empty: '{Pool} ran out of codes.',
      withdrawn: '{who} withdrew {count} from {pool}.',
      restored: '{who} restored {count} to {pool}.',
      voided: '{who} voided {count} of {pool}.',
      unvoided: '{who} unvoided {count} of {pool}.',
      reason: ' Reason: “{reason}”',
    },
  },
  formats: {
    lead: 'A format defines what generated codes look like, and how many different ones there can be.',
    search: 'Search formats by name',
    notFound: (search: string) => `No format has “${search}” in its name.`,
    noneTitle: 'No formats yet',
    none:
      'Codes are generated from a format: its length, its characters, and a fixed beginning or end. Create one, then ' +
      'use it in the Promo Codes section of a pool.',
    createTitle: 'Create a new format',
    create: 'Create format',
    name: 'Name',
    nameHint: 'What your team calls it. You can rename it later; the rest stays as it is.',
    body: 'Random part',
    byLength: 'Length',
    byPattern: 'Pattern',
    length: 'Length of the random part',
    lengthHint: 'How many random characters each code has',
    noLength: 'Give the number of random characters.',
    pattern: 'Pattern',
    patternHint: 'Each # becomes a random character, such as #####-#####. Write \\# for a # itself.',
    characters: 'Characters',
    sets: {
      UNAMBIGUOUS: 'Unambiguous (no 0/O, 1/I)',
      UPPERCASE_DIGITS: 'Capital letters and digits',
      UPPERCASE: 'Capital letters',
      DIGITS: 'Digits',
      MIXED_DIGITS: 'Capital and small letters, and digits',
      LIST: 'My own characters',
    },
    setHints: {
      UNAMBIGUOUS: 'BCDFGHJKMPQRTVWXY2346789. The best choice for codes that people type.',
      UPPERCASE_DIGITS: 'A–Z and 0–9',
      UPPERCASE: 'A–Z',
      DIGITS: '0–9',
      MIXED_DIGITS: 'A–Z, a–z and 0–9',
      LIST: 'Only the characters that you list',
    },
    list: 'Your characters',
    listHint: 'At least two, each once, such as ABC123',
    prefix: 'Prefix',
    suffix: 'Suffix',
    optional: 'Optional',
    preview: 'Preview',
    example: 'Example',
    examples: 'Examples',
    capacity: 'Different codes in all',
    guessOdds: 'How hard to guess',
    judgedFor: 'If you generate this many codes',
    odds: (guesses: string, codes: string, isHard: boolean) =>
      BigInt(guesses) < 2n
        ? `Easy to guess: with ${counted(codes, 'code', 'codes')}, almost every random guess is one of them.`
        : `${isHard ? 'Hard to guess' : 'Can be guessed by a program'}: with ${counted(codes, 'code', 'codes')}, about ` +
          `one random guess in ${count(guesses)} is one of them.`,
    tooFewCodes: (codes: string) => `The format has fewer than ${counted(codes, 'code', 'codes')}.`,
    harder: (times: number) =>
      `Two more random characters make it ${count(times)} times harder. Where customers can only try a few codes, it ` +
      'may do as it is.',
    harderFormat: (times: number) =>
      `A new format with two more random characters would be ${count(times)} times harder. Where customers can only try ` +
      'a few codes, this one may do.',
    noOdds: 'Known once codes have been generated',
    overlapTitle: 'Another format could produce the same codes',
    overlap:
      'Every code must come from one format only. Change the prefix, the suffix or the length, or use this one:',
    available: 'Available codes for generation',
    availableCount: (n: string) => `${count(n)} available for generation`,
    generated: 'Generated so far',
    reserved: 'Reserved for waiting tasks',
    left: (share: number) => {
      const words = share < 1 && share > 0.999 ? 'More than 99.9%' : percent(share)
      return `${share > 0 && share < 0.001 ? 'Less than 0.1%' : words} of the format is left`
    },
    createdAt: 'Created',
    rename: 'Rename',
    renameTitle: 'Rename the format',
    renameHint: 'The codes do not change.',
  },
  leaving: {
    changes: {
      title: 'Leave without saving?',
      body: 'What you have filled in or changed here is not saved, and would be lost.',
      stay: 'Stay',
      leave: 'Leave without saving',
    },
    upload: {
      title: 'Leave without adding the codes?',
      body: 'The file has only been checked: none of its codes are in the pool yet. You find it here again until you close or reload this tab.',
      stay: 'Stay',
      leave: 'Leave',
    },
  },
} as const

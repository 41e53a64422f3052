import { count, counted, duration, percent } from './intl.ts'

// All texts of the console, by screen. Codes, names and messages of the API come from the API.

/** As many as a large campaign has in circulation. */
const liveCodes = 1_000_000n

const msPerYear = 31_557_600_000n

/** How long an attacker takes for so many guesses at 1,000 a second. */
function timeToGuess(guesses: bigint): string {
  return guesses > 1_000_000n * msPerYear ? 'more than a million years' : duration(Number(guesses))
}

interface TaskTitle {
  kind: 'GENERATION' | 'UPLOAD'
  quantity: string | null
  upload: { dryRun: boolean } | null
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

export const text = {
  common: {
    product: 'Promo codes',
    loading: 'Loading',
    retry: 'Try again',
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    copy: 'Copy',
    copied: 'Copied',
    more: 'Show more',
    pages: 'Pages of the list',
    previous: 'Previous',
    next: 'Next',
    none: 'None',
    noAnswer: 'The service gave no answer. Try again.',
    unreachable: 'The service cannot be reached. Check your connection, then try again.',
    notFoundTitle: 'There is nothing here',
    notFound: 'What the address leads to does not exist in this account, or has been deleted.',
    toPools: 'Go to the pools',
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
    connection: { idle: '', connected: 'Live', lost: 'Connection lost. Reconnecting…' },
    colors: 'Switch between light and dark',
    key: 'Signed in with',
    mayDo: 'This key may',
    signOut: 'Sign out',
    scopes: {
      READ: 'see pools, formats, tasks and claimed codes',
      MANAGE: 'create and change pools and formats, and generate, upload, withdraw and void codes',
      CLAIM: 'claim codes',
      REDEEM: 'redeem codes',
      ADMIN: 'manage API keys',
    },
  },
  account: {
    signIn: 'Sign in',
    signInLead: 'Sign in with an API key of your account.',
    key: 'API key',
    keyHint: 'It begins with pk_. It is sent once, and not kept in this browser.',
  },
  pools: {
    sections: {
      'promo-codes': 'Promo Codes',
      tasks: 'Tasks',
      'all-codes': 'Codes',
      activity: 'Activity',
      settings: 'Settings',
    },
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
    unsaved: 'Unsaved changes',
    discard: 'Discard',
    lostAnswer:
      'The connection was lost, so it is not known whether the codes are being generated. Press “Save and generate” ' +
      'again: they are not generated twice.',
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
    archivedTitle: 'This pool is archived',
    archived: 'No codes can be generated or uploaded into it.',
    toSettings: 'Unarchive it in Settings',
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
    title: ({ kind, quantity, upload }: TaskTitle) => {
      if (kind === 'GENERATION') return `Generation of ${counted(quantity ?? '0', 'code', 'codes')}`
      return upload?.dryRun === true ? 'Check of a file' : 'Upload'
    },
    ofPool: (pool: string) => `Tasks of ${pool}`,
    startedBy: 'Started by',
    triggers: {
      MANUAL: 'A person or an integration',
      AUTO_GENERATE: 'Auto-generate, as the pool was running out',
    },
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
    drop: 'Drop a file of codes here, or choose one',
    dropHint:
      'CSV or one code per line, in UTF-8, also compressed with gzip. It is checked first: nothing is added before you have seen what would be.',
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
    cancelling: 'Cancelling…',
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
    wouldAdd: (n: string) => `${counted(n, 'code', 'codes')} would be added`,
    add: (n: string) => `Add ${counted(n, 'code', 'codes')}`,
    howRead: 'How the file was read',
    headerInRow: (row: number) => `Row ${row} is the header.`,
    noHeader: 'There is no header: the first row is a code.',
    codesInColumn: (name: string) => `The codes are in the column “${name}”.`,
    codesInColumnNumber: (number: number) => `The codes are in column ${number}.`,
    firstCodes: 'The first codes',
    beginning: 'How the file begins',
    row: 'Row',
    column: (number: number) => `Column ${number}`,
    header: 'Header',
    codes: 'Codes',
    notRight: 'Read it differently',
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
      sayHeader: 'To pick a column, also say whether the first row is a header.',
      caseSensitive: 'Codes that differ only in case, spaces or dashes are different codes',
      caseSensitiveHint:
        'Usually they are the same to people and tills, so spring-10 counts as a duplicate of SPRING10.',
      checkAgain: 'Check again',
    },
    rejected: 'Rows that are not added',
    rejectedColumns: { row: 'Row', code: 'Code', reason: 'Reason' },
    rejectedFile: 'Download all as CSV',
    rejectedGone: 'The rows are no longer kept.',
    done: (n: string) => `${counted(n, 'code was', 'codes were')} added to the pool`,
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
  codes: {},
  activity: {
    lead: 'What has happened to your pools, as it happens. Claims are not listed one by one: the Activity of a pool shows them as a chart.',
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
      none: 'No codes were claimed in the last 7 days. Once some are, you see here how long the stock will last.',
      lasts: 'At {rate}, the pool runs out {time}.',
      refills: 'At {rate}, the pool runs low {time}, and then refills itself.',
      empty: 'None of its codes are available. At {rate}, it needs new ones for every day to come.',
      endless: 'At {rate}, the available codes last beyond the year 9999.',
      format:
        'The codes that its format {format} can still generate run out {time}, if no other pool uses them.',
      formatEndless: 'Its format {format} lasts beyond the year 9999, if no other pool uses it.',
      on: 'on {day}, {distance}',
      basis: 'By the claims of the last 7 days, or since the pool was created.',
    },
    feed: {
      title: 'Events',
      empty: 'Nothing has happened yet.',
      emptyAccount: 'Nothing has happened yet. Create a pool, and its story begins here.',
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
        COMPLETED: 'The refill of {pool} with {quantity} has completed.',
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
      UNAMBIGUOUS: 'Easy to read (no 0/O, 1/I)',
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
    oddsOfPreview: (capacity: string) =>
      BigInt(capacity) >= 2n * liveCodes
        ? `With a million codes in circulation, one random guess in ${count(BigInt(capacity) / liveCodes)} hits one.`
        : 'With a million codes in circulation, almost every guess would hit one.',
    odds: (guesses: string) =>
      `An attacker needs about ${counted(guesses, 'random guess', 'random guesses')} for one generated code. At 1,000 ` +
      `guesses a second, that takes ${timeToGuess(BigInt(guesses))}.`,
    noOdds: 'Known once codes have been generated',
    overlapTitle: 'Another format could produce the same codes',
    overlap:
      'Every code must come from one format only. Change the prefix, the suffix or the length, or use this one:',
    available: 'Available codes for generation',
    availableCount: (n: string) => `${count(n)} available for generation`,
    generated: 'Generated so far',
    reserved: 'Reserved for waiting tasks',
    used: (share: number) =>
      `${share > 0 && share < 0.001 ? 'Less than 0.1%' : percent(share)} of the format is used`,
    left: (share: string) => `${share} of the format is left`,
    createdAt: 'Created',
    rename: 'Rename',
    renameTitle: 'Rename the format',
    renameHint: 'The codes do not change.',
  },
} as const

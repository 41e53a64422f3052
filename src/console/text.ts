import { count, counted } from './intl.ts'

// All texts of the console, by screen. Codes, names and messages of the API come from the API.

interface TaskTitle {
  kind: 'GENERATION' | 'UPLOAD'
  quantity: string | null
  upload: { dryRun: boolean } | null
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
  promoCodes: {},
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
    addedShort: 'Added',
    wouldAdd: 'Codes that would be added',
    duplicatesInFile: 'Duplicates in the file',
    duplicatesInAccount: 'Already in your account',
    refused: 'Refused',
    addedCount: (n: string) => `${count(n)} added`,
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
    sayHow: 'Say here how to read it, and it is checked again.',
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
  activity: {},
  formats: {},
} as const

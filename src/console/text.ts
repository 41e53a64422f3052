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
    downloadRejected: 'Download the rows that were not added',
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
  uploads: {},
  codes: {},
  activity: {},
  formats: {},
} as const

import { randomInt } from 'node:crypto'

/** One ready tab of GraphiQL. */
export interface GuideTab {
  /** Tells the guide's own tabs from those a person opens. */
  readonly id: string
  readonly query: string
  readonly variables: string
}

/**
 * Pieces of the variables, as they stand in the text. The page's script replaces them in tabs opened later:
 * the id of the pool created in one tab goes into the others, and a name that was used on an earlier visit
 * makes way for a new one.
 */
export interface GuideFills {
  readonly formatName: string
  readonly formatPrefix: string
  readonly poolName: string
  readonly format: string
  readonly pool: string
  readonly task: string
  readonly after: string
}

/** What a fresh database has for the guide to start from. */
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

const CONSONANTS = 'BCDFGHJKMPQRTVWXZ'

/**
 * The steps from a format to a claimed code, in order, with variables that can be run as they are.
 * Without a sample the ids are words that say which tab makes them.
 */
export function guide(sample: GuideSample | undefined): Guide {
  const tag = newTag()
  const fills: GuideFills = {
    formatName: JSON.stringify(`Spring sale ${tag}`),
    formatPrefix: JSON.stringify(`SPRING-${tag}-`),
    poolName: JSON.stringify(`Newsletter welcome ${tag}`),
    format: JSON.stringify(sample?.formatId ?? 'the id of a format: run CreateFormat'),
    pool: JSON.stringify(sample?.poolId ?? 'the id of a pool: run CreatePool'),
    task: JSON.stringify(sample?.taskId ?? 'the id of a task: run GenerateCodes'),
    after: '"after": null',
  }
  return { tabs: tabs(fills), fills }
}

/** A few characters for the names, so that what the guide creates is new at every visit. */
function newTag(): string {
  return Array.from({ length: 4 }, () => CONSONANTS[randomInt(CONSONANTS.length)]).join('')
}

function tabs(fills: GuideFills): readonly GuideTab[] {
  return [
    {
      id: 'guide-create-format',
      query: `# 1 of 7. What codes look like: fixed text, and
# a # for each random character. Press the run
# button. The answer shows examples, and how many
# codes the format can ever give.
# Next: CreatePool. To make one more format,
# change its name and prefix.
mutation CreateFormat($input: CreateFormatInput!) {
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
    }
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
      variables: `{
  "input": {
    "name": ${fills.formatName},
    "shape": {
      "prefix": ${fills.formatPrefix},
      "body": { "pattern": "#####-#####" },
      "characters": { "set": "UNAMBIGUOUS" },
      "suffix": ""
    }
  }
}`,
    },
    {
      id: 'guide-create-pool',
      query: `# 2 of 7. A pool holds codes until somebody
# claims them. A new one is empty.
# Next: SaveReplenishment, which says how the
# pool is filled.
mutation CreatePool($input: CreatePoolInput!) {
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
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
      variables: `{
  "input": { "name": ${fills.poolName} }
}`,
    },
    {
      id: 'guide-save-replenishment',
      query: `# 3 of 7. The Promo Codes section of the pool:
# which format fills it, how many codes at a time.
# The ids below are those of the format and pool
# you created last, or else of the samples.
# Next: GenerateCodes.
mutation SaveReplenishment($input: SaveReplenishmentInput!) {
  saveReplenishment(input: $input) {
    ... on SaveReplenishmentPayload {
      pool {
        name
        status
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
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
      variables: `{
  "input": {
    "poolId": ${fills.pool},
    "method": "GENERATE",
    "formatId": ${fills.format},
    "quantity": "100",
    "autoGenerate": false,
    "refillThreshold": "0"
  }
}`,
    },
    {
      id: 'guide-generate-codes',
      query: `# 4 of 7. Save and generate: a task adds codes to
# the pool, and automatic refill is turned on.
# Try a quantity of "1000000000": as fast. More
# than the format has left is refused at once.
# Next: WatchTask; the new task is filled in.
mutation GenerateCodes($input: GenerateCodesInput!) {
  generateCodes(input: $input) {
    ... on GenerateCodesPayload {
      task {
        id
        status
        quantity
        pool {
          name
          availableCount
        }
        format {
          availableForGeneration
        }
      }
    }
    ... on QuantityExceedsAvailableError {
      availableForGeneration
    }
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
      variables: `{
  "input": {
    "poolId": ${fills.pool},
    "formatId": ${fills.format},
    "quantity": "100",
    "saveSettings": { "autoGenerate": true, "refillThreshold": "95" }
  }
}`,
    },
    {
      id: 'guide-watch-task',
      query: `# 5 of 7. The task as it is now, then each change
# as it happens, until it has finished. The newest
# state is on top. A task that was over before you
# pressed run shows its result only.
# Next: ClaimCodes.
subscription WatchTask($id: ID!) {
  taskUpdated(id: $id) {
    status
    progress
    quantity
    addedCount
    createdAt
    startedAt
    finishedAt
    failure {
      message
    }
    pool {
      name
      availableCount
    }
  }
}
`,
      variables: `{
  "id": ${fills.task}
}`,
    },
    {
      id: 'guide-claim-codes',
      query: `# 6 of 7. Takes codes out of the pool and hands
# them to a recipient, each code once, ever.
# Run it twice: other codes. Add
# "idempotencyKey": "order-1" and run it twice:
# the same codes again. Next: WatchPool.
mutation ClaimCodes($input: ClaimCodesInput!) {
  claimCodes(input: $input) {
    ... on ClaimCodesPayload {
      codes {
        code
        recipient
        claimedAt
      }
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
    ... on UserError {
      message
      code
      path
    }
  }
}
`,
      variables: `{
  "input": {
    "poolId": ${fills.pool},
    "count": 10,
    "recipient": "anna@example.com"
  }
}`,
    },
    {
      id: 'guide-watch-pool',
      query: `# 7 of 7. What has happened to the pool since you
# opened this page, newest on top, then what
# happens from now on. Leave it running, open this
# page in a second window and run GenerateCodes
# there. A claim shows when it runs the pool low,
# empties it, or has it refilled.
subscription WatchPool($poolId: ID, $after: String) {
  poolEvents(poolId: $poolId, after: $after) {
    __typename
    at
    ... on TaskStatusChangedEvent {
      status
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
    pool {
      name
      status
      availableCount
      claimedCount
    }
    cursor
  }
}
`,
      variables: `{
  "poolId": ${fills.pool},
  ${fills.after}
}`,
    },
  ]
}

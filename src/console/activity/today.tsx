import { Anchor, Button, Group, Paper, SimpleGrid, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useState } from 'react'
import { Link } from 'react-router'
import { list } from '../intl.ts'
import { Count } from '../parts/count.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { text } from '../text.ts'
import { FollowToday, type PoolToday, useToday } from './today-query.tsx'

const words = text.activity.today

const counts = ['claimedCount', 'redeemedCount', 'addedCount'] as const

type Counts = Record<(typeof counts)[number], bigint>

const labels = {
  claimedCount: text.activity.counts.claimed,
  redeemedCount: text.activity.counts.redeemed,
  addedCount: text.activity.counts.added,
}

/** How many pools are shown until all are asked for. */
const maxRows = 8

/** What happened today in all pools together, and in each in which anything did, as it happens. */
export function TodayCard() {
  const { result, today } = useToday()
  return (
    <Paper aria-labelledby="today" component="section" p={{ base: 'md', sm: 'lg' }} withBorder>
      <Title id="today" mb="sm" order={2} size="h4">
        {words.title}
      </Title>
      <Loaded of={result} skeleton={<Skeleton height={70} />}>
        {({ pools: { edges, totalCount } }) => {
          const pools = edges.map(({ node }) => node)
          return (
            <Stack gap="md">
              {pools.map((pool) => (
                <FollowToday key={pool.id} pool={pool} today={today} />
              ))}
              <Totals of={pools.map(countsOf)} />
              <Pools of={pools} />
              {BigInt(totalCount) > pools.length && (
                <Text c="dimmed" size="sm">
                  {words.more(BigInt(pools.length), totalCount)}
                </Text>
              )}
            </Stack>
          )
        }}
      </Loaded>
    </Paper>
  )
}

function Totals({ of: pools }: { of: readonly Counts[] }) {
  return (
    <SimpleGrid cols={3} component="dl" m={0} maw={480} spacing="sm">
      {counts.map((name) => (
        <div key={name}>
          <Text c="dimmed" component="dt" size="sm">
            {labels[name]}
          </Text>
          <Text component="dd" fw={650} m={0} size="xl">
            <Count of={`${pools.reduce((sum, each) => sum + each[name], 0n)}`} />
          </Text>
        </div>
      ))}
    </SimpleGrid>
  )
}

function Pools({ of: pools }: { of: readonly PoolToday[] }) {
  const [showsAll, setShowsAll] = useState(false)
  const isNarrow = useMediaQuery('(max-width: 36em)')
  const active = pools
    .map((pool) => ({ pool, today: countsOf(pool) }))
    .filter(({ today }) => counts.some((name) => today[name] > 0n))
  if (active.length === 0) return <Text c="dimmed">{words.nothing}</Text>
  const shown = active.slice(0, showsAll ? undefined : maxRows)
  return (
    <Stack gap="xs">
      {isNarrow ? <PoolLines of={shown} /> : <PoolTable of={shown} />}
      {shown.length < active.length && (
        <Group>
          <Button onClick={() => setShowsAll(true)} size="xs" variant="default">
            {words.all(BigInt(active.length))}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

interface ActivePool {
  pool: PoolToday
  today: Counts
}

function PoolTable({ of: pools }: { of: readonly ActivePool[] }) {
  return (
    <Table aria-label={words.byPool} fz="sm" horizontalSpacing={8}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{words.pool}</Table.Th>
          {counts.map((name) => (
            <Table.Th key={name} scope="col" ta="right">
              {labels[name]}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {pools.map(({ pool, today }) => (
          <Table.Tr key={pool.id}>
            <Table.Th fw="normal" scope="row">
              <PoolLink to={pool} />
            </Table.Th>
            {counts.map((name) => (
              <Table.Td key={name} ta="right">
                {today[name] === 0n ? '–' : <Count of={`${today[name]}`} />}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** The same where a table is too wide. */
function PoolLines({ of: pools }: { of: readonly ActivePool[] }) {
  return (
    <Stack aria-label={words.byPool} component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
      {pools.map(({ pool, today }) => (
        <Text component="li" key={pool.id} size="sm" style={{ overflowWrap: 'anywhere' }}>
          <PoolLink to={pool} />
          <br />
          {list(counts.filter((name) => today[name] > 0n).map((name) => words.counted[name](today[name])))}
        </Text>
      ))}
    </Stack>
  )
}

function PoolLink({ to: { id, name } }: { to: PoolToday }) {
  return (
    <Anchor component={Link} inherit style={{ overflowWrap: 'anywhere' }} to={`/pools/${id}/activity`}>
      <bdi>{name}</bdi>
    </Anchor>
  )
}

function countsOf({ activity }: PoolToday): Counts {
  const [today] = activity
  return {
    claimedCount: BigInt(today?.claimedCount ?? 0),
    redeemedCount: BigInt(today?.redeemedCount ?? 0),
    addedCount: BigInt(today?.addedCount ?? 0),
  }
}

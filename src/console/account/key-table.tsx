import { Badge, Button, Code, Group, Table, Text } from '@mantine/core'
import classes from '../parts/stacked-table.module.css'
import { Distance, Moment } from '../parts/time.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import type { ApiKey } from './api-keys.ts'
import { useRevoking } from './revoking.tsx'
import { scopeNames } from './scopes.ts'

const { columns } = text.account.keys

/** API keys as a table; as a list where that is too narrow. */
export function KeyTable({ keys }: { keys: readonly ApiKey[] }) {
  return (
    <Table className={classes.stacked} layout="fixed" verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{columns.name}</Table.Th>
          <Table.Th>{columns.may}</Table.Th>
          <Table.Th w={115}>{columns.hint}</Table.Th>
          <Table.Th w={185}>{columns.created}</Table.Th>
          <Table.Th w={135}>{columns.used}</Table.Th>
          <Table.Td w={125} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map((key) => (
          <KeyRow key={key.id} keys={keys} of={key} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function KeyRow({ of: key, keys }: { of: ApiKey; keys: readonly ApiKey[] }) {
  const isOwn = useViewer().id === key.id
  const askToRevoke = useRevoking(key, keys)
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Group gap="xs">
          <Text fw={600} size="sm">
            {key.name}
          </Text>
          {isOwn && (
            <Badge title={text.account.keys.yourKey} tt="none" variant="light">
              {text.account.keys.you}
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>{scopeNames(key.scopes)}</Table.Td>
      <Table.Td>
        <Code>{key.hint}…</Code>
      </Table.Td>
      <Table.Td data-label={columns.created}>
        <Moment at={key.createdAt} />
      </Table.Td>
      <Table.Td data-label={columns.used}>
        {key.lastUsedAt === null ? text.account.keys.never : <Distance at={key.lastUsedAt} />}
      </Table.Td>
      <Table.Td ta="right">
        {key.revokedAt === null ? (
          <Button
            aria-label={text.account.keys.revokeKey(key.name)}
            onClick={askToRevoke}
            size="xs"
            variant="default"
          >
            {text.account.keys.revoke}
          </Button>
        ) : (
          <Text c="dimmed" size="sm">
            {text.account.keys.revoked} <Distance at={key.revokedAt} />
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

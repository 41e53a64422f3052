import { Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useService } from '../api/service.tsx'
import { useSubmit } from '../api/submit.ts'
import { ask } from '../parts/confirm.tsx'
import { Distance } from '../parts/time.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { type ApiKey, RevokeApiKey } from './api-keys.ts'

/** Asks whether to revoke a key, with what depends on it. */
export function useRevoking(key: ApiKey, keys: readonly ApiKey[]): () => void {
  const [revoke] = useSubmit(RevokeApiKey)
  const { sessionEnded } = useService()
  const isOwn = useViewer().id === key.id
  const others = keys.filter(({ id, revokedAt }) => id !== key.id && revokedAt === null)
  const isLastAdmin = key.scopes.includes('ADMIN') && !others.some(({ scopes }) => scopes.includes('ADMIN'))
  const { keys: words } = text.account
  return () =>
    ask({
      title: words.revokeTitle(key.name),
      children: (
        <Stack gap="xs">
          <Text size="sm">
            {key.lastUsedAt === null ? (
              words.neverUsed
            ) : (
              <>
                {words.lastUsed} <Distance at={key.lastUsedAt} />.
              </>
            )}{' '}
            {words.revokeText}
          </Text>
          {isOwn && <b>{words.revokeOwn}</b>}
          {isLastAdmin && <b>{words.revokeLastAdmin}</b>}
        </Stack>
      ),
      action: words.revoke,
      isDestructive: true,
      act: async () => {
        const { problems } = await revoke({ input: { apiKeyId: key.id } })
        if (problems !== undefined) return problems
        if (isOwn) sessionEnded.set(true)
        else notifications.show({ message: words.wasRevoked(key.name) })
        return undefined
      },
    })
}

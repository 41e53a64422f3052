import { Button, Group, Stack, Text } from '@mantine/core'
import type { FormEvent } from 'react'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { UploadSection } from '../uploads/upload-section.tsx'
import { GenerateFields } from './generate-fields.tsx'
import { MethodField } from './method-field.tsx'
import type { Settings } from './settings.ts'
import { StartedTask } from './started-task.tsx'
import { useSettingsActions } from './use-settings-actions.ts'
import { useSettingsForm } from './use-settings-form.ts'

/** The Promo Codes section as a form, in the order of the guide. */
export function SettingsForm({ pool, saved }: { pool: PoolOfPage; saved: Settings }) {
  const settings = useSettingsForm(saved)
  const actions = useSettingsActions(pool, settings)
  const { form, hasChanges } = settings
  const { started } = actions
  const isUnderWay = started !== undefined && !started.hasEnded
  const generates = form.values.method === 'GENERATE'
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    await (generates ? actions.saveAndGenerate() : actions.saveOnly())
  }
  // The guide ends with saving the section, which has been done already.
  const isSaved = started?.hasEnded === true && !hasChanges
  const note = hasChanges ? text.promoCodes.unsaved : isSaved ? text.promoCodes.isSaved(saved.autoGenerate) : ''
  const save = (
    <>
      <Text c="dimmed" role="status" size="sm">
        {note}
      </Text>
      {hasChanges && (
        <Button onClick={settings.discard} variant="subtle">
          {text.promoCodes.discard}
        </Button>
      )}
    </>
  )
  return (
    <Stack gap="lg">
      <MethodField {...form.getInputProps('method')} value={form.values.method} />
      {generates ? (
        <form noValidate onSubmit={submit}>
          <Stack gap="lg">
            <GenerateFields {...settings} />
            {actions.alert}
            {started !== undefined && (
              <StartedTask key={started.taskId} onEnd={actions.onEnd} taskId={started.taskId} />
            )}
            {!isUnderWay && (
              <Group gap="sm">
                <Button loading={actions.isGenerating} type="submit">
                  {text.promoCodes.saveAndGenerate}
                </Button>
                {hasChanges && (
                  <Button loading={actions.isSaving} onClick={actions.saveOnly} variant="default">
                    {text.common.save}
                  </Button>
                )}
                {save}
              </Group>
            )}
          </Stack>
        </form>
      ) : (
        <>
          <UploadSection pool={pool} />
          {actions.alert}
          {saved.autoGenerate && <Text size="sm">{text.promoCodes.turnsOff}</Text>}
          {hasChanges && (
            <Group gap="sm">
              <Button loading={actions.isSaving} onClick={actions.saveOnly} variant="default">
                {text.common.save}
              </Button>
              {save}
            </Group>
          )}
        </>
      )}
    </Stack>
  )
}

import { Button, Stack } from '@mantine/core'
import type { FormEvent } from 'react'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { UploadSection } from '../uploads/upload-section.tsx'
import { GenerateFields } from './generate-fields.tsx'
import { MethodField } from './method-field.tsx'
import { SaveBar } from './save-bar.tsx'
import type { Settings } from './settings.ts'
import { StartedTask } from './started-task.tsx'
import { UploadsFromNowOn } from './uploads-from-now-on.tsx'
import { useSettingsActions } from './use-settings-actions.ts'
import { useSettingsForm } from './use-settings-form.ts'

/** The Promo Codes section as a form, in the order of the guide. */
export function SettingsForm({ pool, saved }: { pool: PoolOfPage; saved: Settings }) {
  const settings = useSettingsForm(saved)
  const actions = useSettingsActions(pool, settings)
  const { form, hasChanges, discard } = settings
  const { started, isSaving } = actions
  const isUnderWay = started !== undefined && !started.hasEnded
  const saving = { hasChanges, isSaving, discard, save: actions.saveOnly }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    await actions.saveAndGenerate()
  }
  return (
    <Stack gap="lg">
      <MethodField {...form.getInputProps('method')} value={form.values.method} />
      {form.values.method === 'GENERATE' ? (
        <form noValidate onSubmit={submit}>
          <Stack gap="lg">
            <GenerateFields {...settings} />
            {actions.alert}
            {started !== undefined && (
              <StartedTask key={started.taskId} onEnd={actions.onEnd} taskId={started.taskId} />
            )}
            {!isUnderWay && (
              // The guide ends with saving the section: that has been done then.
              <SaveBar {...saving} note={started && text.promoCodes.isSaved(saved.autoGenerate)}>
                <Button loading={actions.isGenerating} type="submit">
                  {text.promoCodes.saveAndGenerate}
                </Button>
              </SaveBar>
            )}
          </Stack>
        </form>
      ) : (
        <>
          <UploadSection pool={pool} />
          {actions.alert}
          {hasChanges && (
            <UploadsFromNowOn isSaving={isSaving} save={actions.saveOnly} turnsOff={saved.autoGenerate} />
          )}
        </>
      )}
    </Stack>
  )
}

import { Alert, Button, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { FormEvent } from 'react'
import { CreateFormat } from '../formats/create-format.tsx'
import { SaveBar } from '../parts/save-bar.tsx'
import { useUnsavedChanges } from '../parts/unsaved-changes.tsx'
import type { PoolOfPage } from '../pools/pool-of-page.ts'
import { text } from '../text.ts'
import { UploadSection } from '../uploads/upload-section.tsx'
import { GenerateFields } from './generate-fields.tsx'
import { MethodField } from './method-field.tsx'
import { areSame, type Settings, settingsValuesOf } from './settings.ts'
import { StartedTask } from './started-task.tsx'
import { UploadsFromNowOn } from './uploads-from-now-on.tsx'
import { useSettingsActions } from './use-settings-actions.ts'
import { useSettingsForm } from './use-settings-form.ts'

/** The Promo Codes section as a form, in the order of the guide. */
export function SettingsForm({ pool, saved }: { pool: PoolOfPage; saved: Settings }) {
  const settings = useSettingsForm(pool.id, saved)
  const actions = useSettingsActions(pool, settings)
  const { form, hasChanges, discard, choose } = settings
  const { started, isSaving } = actions
  const [isCreatingFormat, creatingFormat] = useDisclosure()
  // To choose a method is no work that could be lost: somebody does it to see what there is, or to upload one file.
  const { method } = saved
  useUnsavedChanges(hasChanges && !areSame({ ...form.values, method }, settingsValuesOf(saved)))
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
            <GenerateFields {...settings} createFormat={creatingFormat.open} />
            {settings.unanswered.isReminded && (
              <Alert color="yellow.9" variant="outline">
                {text.promoCodes.lostBefore}
              </Alert>
            )}
            {actions.alert}
            {/* The guide ends with saving the section: that has been done then. */}
            <SaveBar
              {...saving}
              note={actions.justAsked && text.promoCodes.isSaved(actions.justAsked, saved.autoGenerate)}
            >
              <Button
                loading={actions.isGenerating}
                type="submit"
                variant={actions.justAsked === undefined ? 'filled' : 'default'}
              >
                {text.promoCodes.saveAndGenerate}
              </Button>
            </SaveBar>
            {started !== undefined && <StartedTask key={started} taskId={started} />}
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
      <CreateFormat
        close={creatingFormat.close}
        isOpen={isCreatingFormat}
        quantity={form.values.quantity}
        onCreate={(created) => {
          choose(created)
          creatingFormat.close()
        }}
      />
    </Stack>
  )
}

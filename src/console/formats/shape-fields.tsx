import { Input, NumberInput, SegmentedControl, Select, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import type { Problem } from '../api/read-problems.ts'
import { text } from '../text.ts'
import { type FormatValues, formatFields } from './shape.ts'

export interface ShapeFieldsProps {
  form: UseFormReturnType<FormatValues>
  /** What the preview found. */
  problems: readonly Problem[]
}

/** What is wrong with a field: what the service said when it was sent, or what the preview says while somebody types. */
function errorOf({ form, problems }: ShapeFieldsProps, field: string): React.ReactNode {
  const paths = Object.entries(formatFields).filter(([, name]) => name === field)
  const found = problems.filter(({ path }) => paths.some(([of]) => of === path))
  return (
    form.errors[field] ?? (found.length === 0 ? undefined : found.map(({ message }) => message).join(' '))
  )
}

/** The random part of a code: only a length, or a pattern. */
export function BodyFields(props: ShapeFieldsProps) {
  const { form } = props
  return (
    <>
      <Input.Wrapper label={text.formats.body} labelElement="div">
        <SegmentedControl
          aria-label={text.formats.body}
          data={[
            { value: 'length', label: text.formats.byLength },
            { value: 'pattern', label: text.formats.byPattern },
          ]}
          fullWidth
          mt={4}
          {...form.getInputProps('body')}
        />
      </Input.Wrapper>
      {form.values.body === 'length' ? (
        <NumberInput
          allowDecimal={false}
          allowNegative={false}
          description={text.formats.lengthHint}
          label={text.formats.length}
          required
          max={100}
          maxLength={5}
          min={1}
          {...form.getInputProps('length')}
          error={errorOf(props, 'length')}
        />
      ) : (
        <TextInput
          description={text.formats.patternHint}
          ff="monospace"
          label={text.formats.pattern}
          required
          maxLength={500}
          {...form.getInputProps('pattern')}
          error={errorOf(props, 'pattern')}
        />
      )}
    </>
  )
}

/** The characters that a random position can have. */
export function CharacterFields(props: ShapeFieldsProps) {
  const { form } = props
  return (
    <>
      <Select
        allowDeselect={false}
        data={Object.entries(text.formats.sets).map(([value, label]) => ({ value, label }))}
        description={text.formats.setHints[form.values.characters]}
        label={text.formats.characters}
        {...form.getInputProps('characters')}
        error={errorOf(props, 'characters')}
      />
      {form.values.characters === 'LIST' && (
        <TextInput
          description={text.formats.listHint}
          label={text.formats.list}
          required
          maxLength={2_000}
          {...form.getInputProps('list')}
          error={errorOf(props, 'list')}
        />
      )}
    </>
  )
}

/** Fixed text at an end of every code. */
export function ShapeText({ name, ...props }: ShapeFieldsProps & { name: 'prefix' | 'suffix' }) {
  return (
    <TextInput
      description={text.formats.optional}
      label={text.formats[name]}
      maxLength={200}
      {...props.form.getInputProps(name)}
      error={errorOf(props, name)}
    />
  )
}

import { type CSSVariablesResolver, createTheme } from '@mantine/core'
import { text } from './text.ts'

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '650' },
  components: {
    RadioCard: { defaultProps: { bg: 'var(--mantine-color-body)' } },
    NavLink: { defaultProps: { style: { borderRadius: 'var(--mantine-radius-md)' } } },
    // A dialog or a menu that moves while it opens cannot be clicked yet.
    Modal: {
      defaultProps: {
        transitionProps: { duration: 120 },
        centered: true,
        // What somebody has typed, or has just been shown, is not lost by a click beside it.
        closeOnClickOutside: false,
        closeButtonProps: { 'aria-label': text.common.close },
        // It is the header of a dialog, not of the page.
        attributes: { header: { role: 'none' } },
      },
      styles: { title: { fontWeight: 650 } },
    },
    // By default it is a header, which counts as a second banner of the page.
    ModalHeader: { defaultProps: { component: 'div' } },
    Fieldset: { styles: { legend: { fontWeight: 650 } } },
  },
})

/** Mantine's secondary colours are too faint to be read by everyone (WCAG 2.2, 1.4.3). */
export const readableColors: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--console-canvas': 'var(--mantine-color-gray-0)',
    '--console-shadow': '#0003',
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--console-warning': '#b5390a',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
    // Of the current link of the navigation while the mouse is over it.
    '--mantine-color-indigo-light-hover': '#cbd6ff',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    // Of buttons that destroy something.
    '--mantine-color-red-outline': 'var(--mantine-color-red-9)',
    // Of badges and icons on a light background of their own color.
    '--mantine-color-green-light-color': '#237032',
    '--mantine-color-teal-light-color': '#076b4d',
    '--mantine-color-yellow-light-color': '#8f4d00',
    '--mantine-color-orange-light-color': '#a93a0c',
    '--mantine-color-red-light-color': '#b02525',
  },
  dark: {
    '--console-canvas': 'var(--mantine-color-dark-8)',
    '--console-shadow': '#000c',
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--console-warning': 'var(--mantine-color-orange-4)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
  },
})

// The page requires trusted types: a text that is set as HTML goes through this policy. Only Mantine does so, with the text
// of its style elements. Without "<", a text cannot become anything but text.

interface TrustedTypes {
  createPolicy(name: 'default', rules: { createHTML(text: string): string }): void
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
trustedTypes?.createPolicy('default', {
  createHTML(text) {
    if (text.includes('<')) throw new TypeError('The console sets no HTML.')
    return text
  },
})

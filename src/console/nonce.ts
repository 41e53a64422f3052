import { setNonce } from 'get-nonce'

/** What the page's policy asks of style elements that scripts add. The server makes a new one for each answer. */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''

// For react-remove-scroll, which Mantine's dialogs use.
if (styleNonce !== '') setNonce(styleNonce)

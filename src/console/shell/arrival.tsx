import { VisuallyHidden } from '@mantine/core'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { useLocation, useNavigationType } from 'react-router'

/** Set where links keep the focus, because they stay on the screen that they lead to, such as the sections of a pool. */
export const keepsFocus = { 'data-keeps-focus': true }

/**
 * Does what a browser does when it loads a page, as the router only replaces the content: the keyboard goes on at the
 * beginning of the content, and the view too, unless one goes back.
 */
export function useArrival(content: RefObject<HTMLElement | null>): void {
  const { pathname } = useLocation()
  const isNew = useNavigationType() !== 'POP'
  const last = useRef(pathname)
  useEffect(() => {
    if (last.current === pathname) return
    last.current = pathname
    if (document.activeElement?.closest('[data-keeps-focus]') != null) return
    // A screen that is a form has focused its first field already.
    if (document.activeElement?.matches('[data-autofocus]') !== true)
      content.current?.focus({ preventScroll: true })
    if (isNew) window.scrollTo(0, 0)
  }, [content, isNew, pathname])
}

/** Tells screen readers the title of each screen that is come to. */
export function Announcer() {
  const [title, setTitle] = useState('')
  useEffect(() => {
    const observer = new MutationObserver(() => setTitle(document.title))
    observer.observe(document.head, { childList: true, subtree: true, characterData: true })
    return () => observer.disconnect()
  }, [])
  return (
    <VisuallyHidden aria-live="polite" role="status">
      {title}
    </VisuallyHidden>
  )
}

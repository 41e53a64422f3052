import { useEffect, useRef } from 'react'
import { NavLink, useLocation } from 'react-router'
import { keepsFocus } from '../shell/arrival.tsx'
import { text } from '../text.ts'
import classes from './pools.module.css'

const sections = ['promo-codes', 'tasks', 'all-codes', 'activity', 'settings'] as const

/** The links to the sections of a pool. Where they do not fit side by side they scroll, with the current one in view. */
export function Sections({ of: pool }: { of: { id: string; name: string } }) {
  const { pathname } = useLocation()
  const links = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current link changes with the address
  useEffect(() => {
    links.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [pathname])
  return (
    <nav
      aria-label={text.pools.sectionsOf(pool.name)}
      className={classes.sections}
      ref={links}
      {...keepsFocus}
    >
      {sections.map((section) => (
        <NavLink
          className={() => classes.section}
          data-label={text.pools.sections[section]}
          key={section}
          to={`/pools/${pool.id}/${section}`}
        >
          {text.pools.sections[section]}
        </NavLink>
      ))}
    </nav>
  )
}

/**
 * A small line of values, for a place beside their sum. Not of the chart library, which is as large as the rest of the page
 * and is loaded only where charts are.
 */
export function Sparkline({
  values,
  label,
  width = 96,
  height = 28,
}: {
  values: readonly number[]
  label: string
  width?: number
  height?: number
}) {
  const max = Math.max(...values, 1)
  const step = values.length > 1 ? width / (values.length - 1) : width
  const points = values.map(
    (value, i) => `${(i * step).toFixed(1)},${(height - 2 - (value / max) * (height - 4)).toFixed(1)}`,
  )
  return (
    <svg
      aria-label={label}
      height={height}
      preserveAspectRatio="none"
      role="img"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
    >
      <polyline
        fill="none"
        points={points.join(' ')}
        stroke="var(--mantine-primary-color-filled)"
        strokeLinejoin="round"
        strokeWidth="1.5"
      />
    </svg>
  )
}

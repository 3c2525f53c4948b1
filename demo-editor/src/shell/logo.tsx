/** The drop of ink that stays. */
export function Logo({ size = 24 }: { size?: number }) {
	return (
		<svg aria-hidden="true" className="logo" width={size} height={size} viewBox="0 0 32 32">
			<rect width="32" height="32" rx="8" fill="currentColor" />
			<path
				d="M16 6.5c4 4.6 6.2 7.9 6.2 11.1a6.2 6.2 0 0 1-12.4 0c0-3.2 2.2-6.5 6.2-11.1z"
				fill="var(--on-accent)"
			/>
			<path
				d="m13.1 17.8 2.2 2.2 3.8-4.3"
				fill="none"
				stroke="currentColor"
				strokeWidth="2"
				strokeLinecap="round"
				strokeLinejoin="round"
			/>
		</svg>
	);
}

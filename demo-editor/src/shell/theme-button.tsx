import { useObservable } from "../observable.ts";
import { theme, toggleTheme } from "../theme.ts";
import { MoonIcon, SunIcon } from "./icons.tsx";

export function ThemeButton() {
	const isDark = useObservable(theme) === "dark";
	const label = isDark ? "Use the light theme" : "Use the dark theme";
	return (
		<button type="button" className="icon-button" aria-label={label} title={label} onClick={toggleTheme}>
			{isDark ? <SunIcon /> : <MoonIcon />}
		</button>
	);
}

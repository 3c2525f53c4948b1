import { initials, type Person } from "../person.ts";

export function Avatar({ person, size = 28 }: { person: Pick<Person, "name" | "color">; size?: number }) {
	return (
		<span
			className="avatar"
			style={{ backgroundColor: person.color, width: size, height: size, fontSize: size * 0.39 }}
			aria-hidden="true"
		>
			{initials(person.name)}
		</span>
	);
}

import { useId, useRef, useState } from "react";
import { useObservable } from "../observable.ts";
import { changeMe, me, personColors, personNameLengthMax } from "../person.ts";
import type { DocumentSession } from "../session/document-session.ts";
import { Avatar } from "./avatar.tsx";
import { Panel } from "./floating.tsx";

const avatarsMax = 4;

/** Who is here, and who one is oneself. */
export function People({ session }: { session: DocumentSession }) {
	const others = useObservable(session.people);
	const self = useObservable(me);
	const [isOpen, setOpen] = useState(false);
	const opener = useRef<HTMLButtonElement>(null);
	const shown = others.slice(0, others.length > avatarsMax ? avatarsMax - 1 : avatarsMax);
	const count = others.length + 1;
	const label = count === 1 ? "Only you are here. Change your name" : `${count} people are here. Show them`;
	return (
		<div className="people">
			<button
				type="button"
				ref={opener}
				className="people-button"
				aria-expanded={isOpen}
				aria-haspopup="dialog"
				title={[...others.map(({ name }) => name), `${self.name} (you)`].join(", ")}
				onClick={() => setOpen(!isOpen)}
			>
				<span className="visually-hidden">{label}</span>
				{shown.map((person) => (
					<Avatar key={person.id} person={person} />
				))}
				{others.length > shown.length && (
					<span className="avatar more" aria-hidden="true">
						+{others.length - shown.length}
					</span>
				)}
				<Avatar person={self} />
			</button>
			<Panel isOpen={isOpen} close={() => setOpen(false)} label="Who is here" opener={opener}>
				<Profile />
				<h2>Also here</h2>
				{others.length === 0 && <p className="faint">Nobody yet. Copy the link and send it to somebody.</p>}
				<ul className="people-list" aria-label="Others who are here">
					{others.map((person) => (
						<li key={person.id}>
							<Avatar person={person} size={24} />
							<span className="ellipsis">{person.name}</span>
						</li>
					))}
				</ul>
			</Panel>
		</div>
	);
}

function Profile() {
	const self = useObservable(me);
	const id = useId();
	return (
		<div className="profile">
			<label htmlFor={id}>Your name</label>
			<input
				id={id}
				className="field"
				value={self.name}
				maxLength={personNameLengthMax}
				autoComplete="off"
				spellCheck={false}
				onChange={(event) => changeMe({ name: event.target.value })}
			/>
			<fieldset className="swatches">
				<legend>Your colour</legend>
				{personColors.map((color, index) => (
					<label key={color} className="swatch" style={{ backgroundColor: color }}>
						<input
							type="radio"
							name="color"
							aria-label={`Colour ${index + 1}`}
							checked={self.color === color}
							onChange={() => changeMe({ color })}
						/>
					</label>
				))}
			</fieldset>
		</div>
	);
}

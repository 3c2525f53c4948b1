import type { Editor } from "@tiptap/core";
import { useEditorState } from "@tiptap/react";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Panel } from "../shell/floating.tsx";
import { ImageIcon, LinkIcon } from "../shell/icons.tsx";
import { insertImages } from "./dropped-images.ts";
import { insertPicture } from "./insert-picture.ts";
import { askForImageEvent } from "./slash-items.ts";
import { webAddress } from "./web-address.ts";

export function LinkButton({ editor }: { editor: Editor }) {
	const [isOpen, setOpen] = useState(false);
	const href = useEditorState({
		editor,
		selector: () => {
			const value: unknown = editor.getAttributes("link").href;
			return typeof value === "string" ? value : "";
		},
	});
	const set = (address: string) => {
		const chain = editor.chain().focus().extendMarkRange("link");
		const { empty } = editor.state.selection;
		if (empty && href === "") {
			const mark = { type: "link", attrs: { href: address } };
			chain
				.insertContent({ type: "text", text: address, marks: [mark] })
				.unsetMark("link")
				.run();
		} else chain.setLink({ href: address }).run();
	};
	return (
		<AddressButton
			label="Link"
			fieldLabel="Address of the link"
			icon={<LinkIcon />}
			isOn={href !== ""}
			isOpen={isOpen}
			setOpen={setOpen}
			initial={href}
			follow={href === "" ? undefined : href}
			accept={set}
			remove={
				href === "" ? undefined : () => editor.chain().focus().extendMarkRange("link").unsetLink().run()
			}
		/>
	);
}

export function ImageButton({ editor }: { editor: Editor }) {
	const [isOpen, setOpen] = useState(false);
	useEffect(() => {
		const open = () => setOpen(true);
		addEventListener(askForImageEvent, open);
		return () => removeEventListener(askForImageEvent, open);
	}, []);
	return (
		<AddressButton
			label="Image"
			fieldLabel="Address of the image"
			icon={<ImageIcon />}
			isOpen={isOpen}
			setOpen={setOpen}
			initial=""
			accept={(src) => insertPicture(editor, { src })}
			choose={(files) => insertImages(editor, files)}
		/>
	);
}

interface AddressButtonProps {
	readonly label: string;
	readonly fieldLabel: string;
	readonly icon: ReactNode;
	readonly isOn?: boolean;
	readonly isOpen: boolean;
	readonly setOpen: (isOpen: boolean) => void;
	readonly initial: string;
	readonly accept: (address: string) => void;
	readonly remove?: (() => void) | undefined;
	/** Takes pictures of this device, where an address of one is not at hand. */
	readonly choose?: ((files: FileList) => void) | undefined;
	/** Where it leads, if there is somewhere to go. */
	readonly follow?: string | undefined;
}

/** A toolbar button that asks for an address. */
function AddressButton(props: AddressButtonProps) {
	const { label, icon, isOn, isOpen, setOpen } = props;
	const opener = useRef<HTMLButtonElement>(null);
	return (
		<span className="tool-with-panel">
			<button
				type="button"
				ref={opener}
				className="tool"
				aria-label={label}
				aria-pressed={isOn}
				aria-haspopup="dialog"
				aria-expanded={isOpen}
				title={label}
				onPointerDown={(event) => event.preventDefault()}
				onClick={() => setOpen(!isOpen)}
			>
				{icon}
			</button>
			<Panel isOpen={isOpen} close={() => setOpen(false)} label={label} opener={opener}>
				<AddressForm {...props} />
			</Panel>
		</span>
	);
}

function AddressForm(props: AddressButtonProps) {
	const { fieldLabel, initial, accept, remove, choose, follow, setOpen } = props;
	const [value, setValue] = useState(initial);
	const [isWrong, setWrong] = useState(false);
	const id = useId();
	const submit = (event: FormEvent) => {
		event.preventDefault();
		const address = webAddress(value);
		if (address === undefined) return setWrong(true);
		setOpen(false);
		accept(address);
	};
	return (
		<form className="address-form" onSubmit={submit}>
			<label htmlFor={id}>{fieldLabel}</label>
			<input
				id={id}
				className="field"
				inputMode="url"
				placeholder="https://"
				autoComplete="off"
				value={value}
				aria-invalid={isWrong}
				aria-describedby={isWrong ? `${id}-problem` : undefined}
				onChange={(event) => {
					setValue(event.target.value);
					setWrong(false);
				}}
			/>
			{isWrong && (
				<p id={`${id}-problem`} className="field-problem" role="alert">
					That is not an address.
				</p>
			)}
			<div className="address-actions">
				{follow !== undefined && (
					<a className="button" href={follow} target="_blank" rel="noopener noreferrer">
						Open
					</a>
				)}
				{choose !== undefined && <PictureButton choose={choose} setOpen={setOpen} />}
				{remove !== undefined && (
					<button
						type="button"
						className="button"
						onClick={() => {
							setOpen(false);
							remove();
						}}
					>
						Remove
					</button>
				)}
				<button type="submit" className="button primary">
					{initial === "" ? "Insert" : "Change"}
				</button>
			</div>
		</form>
	);
}

function PictureButton({
	choose,
	setOpen,
}: {
	choose: (files: FileList) => void;
	setOpen: (isOpen: boolean) => void;
}) {
	const input = useRef<HTMLInputElement>(null);
	return (
		<>
			<button type="button" className="button" onClick={() => input.current?.click()}>
				From this device
			</button>
			<input
				ref={input}
				type="file"
				accept="image/*"
				multiple
				hidden
				onChange={({ target }) => {
					if (target.files !== null) choose(target.files);
					setOpen(false);
				}}
			/>
		</>
	);
}

import { useEffect, useState } from "react";
import { CheckIcon, LinkIcon } from "./icons.tsx";

const thanksMs = 2_000;

export function CopyLinkButton() {
	const [isCopied, setCopied] = useState(false);
	useEffect(() => {
		if (!isCopied) return;
		const timer = setTimeout(() => setCopied(false), thanksMs);
		return () => clearTimeout(timer);
	}, [isCopied]);
	const copy = async () => setCopied(await copyText(location.href));
	return (
		<button
			type="button"
			className="button copy-link"
			onClick={copy}
			aria-label={isCopied ? "Copied" : "Copy link"}
		>
			{isCopied ? <CheckIcon size={16} /> : <LinkIcon size={16} />}
			<span className="copy-link-text">{isCopied ? "Copied" : "Copy link"}</span>
		</button>
	);
}

/** The clipboard API is for secure pages only; in a local network over plain HTTP the old way works. */
async function copyText(text: string): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const field = document.createElement("textarea");
		field.value = text;
		field.style.position = "fixed";
		document.body.append(field);
		field.select();
		const isCopied = document.execCommand("copy");
		field.remove();
		return isCopied;
	}
}

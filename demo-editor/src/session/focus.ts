/** Whether an editor that has just come may take the focus: not from somebody who is typing a title or a name. */
export function mayTakeFocus(): boolean {
	return document.activeElement?.matches("input, textarea") !== true;
}

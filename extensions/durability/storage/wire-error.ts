import {
	DamagedDocumentError,
	DocumentDeletedError,
	StoreConfigurationError,
	StoreUnavailableError,
} from "../store.ts";

/** An error on its way from a worker: structured cloning would strip the store's errors of class and fields. */
export type WireError =
	| { readonly kind: "damaged"; readonly documentName: string; readonly detail: string }
	| { readonly kind: "deleted"; readonly documentName: string }
	| { readonly kind: "unavailable"; readonly message: string; readonly code: string | undefined }
	| { readonly kind: "configuration"; readonly message: string };

/** Thrown by workers where the document's name is known to whoever answers. */
export class Damage extends Error {
	override readonly name = "Damage";
	readonly documentName: string;

	/** @param detail What is damaged, to go after "document … is damaged: ". */
	constructor(documentName: string, detail: string, options?: ErrorOptions) {
		super(detail, options);
		this.documentName = documentName;
	}
}

export type ErrorCode = (error: unknown) => string | undefined;

/** @param errorCode What the store's engine calls an error. */
export function toWire(error: unknown, errorCode: ErrorCode): WireError {
	if (error instanceof Damage) {
		return { kind: "damaged", documentName: error.documentName, detail: error.message };
	}
	if (error instanceof DocumentDeletedError) return { kind: "deleted", documentName: error.documentName };
	if (error instanceof StoreConfigurationError) return { kind: "configuration", message: error.message };
	if (error instanceof StoreUnavailableError) {
		return { kind: "unavailable", message: error.message, code: error.code };
	}
	const code = errorCode(error);
	const text = error instanceof Error ? error.message : String(error);
	return { kind: "unavailable", message: code === undefined ? text : `${text} (${code})`, code };
}

export function fromWire(error: WireError): Error {
	switch (error.kind) {
		case "damaged":
			return new DamagedDocumentError(error.documentName, error.detail);
		case "deleted":
			return new DocumentDeletedError(error.documentName);
		case "configuration":
			return new StoreConfigurationError(error.message);
		case "unavailable":
			return new StoreUnavailableError(
				error.message,
				error.code === undefined ? undefined : { code: error.code },
			);
	}
}

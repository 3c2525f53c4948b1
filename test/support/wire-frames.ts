import * as encoding from "lib0/encoding";
import * as Y from "yjs";

/** Frames as `@hocuspocus/provider` 4.8 makes them, for tests that need to go beneath it. */
export function messageFrame(documentName: string, write: (encoder: encoding.Encoder) => void): Uint8Array {
	return encoding.encode((encoder) => {
		encoding.writeVarString(encoder, documentName);
		write(encoder);
	});
}

export function authenticationFrame(documentName: string, token = ""): Uint8Array {
	return messageFrame(documentName, (encoder) => {
		encoding.writeVarUint(encoder, 2);
		encoding.writeVarUint(encoder, 0);
		encoding.writeVarString(encoder, token);
	});
}

export function syncStep1Frame(documentName: string, document = new Y.Doc()): Uint8Array {
	return messageFrame(documentName, (encoder) => {
		encoding.writeVarUint(encoder, 0);
		encoding.writeVarUint(encoder, 0);
		encoding.writeVarUint8Array(encoder, Y.encodeStateVector(document));
	});
}

export function updateFrame(documentName: string, update: Uint8Array): Uint8Array {
	return messageFrame(documentName, (encoder) => {
		encoding.writeVarUint(encoder, 0);
		encoding.writeVarUint(encoder, 2);
		encoding.writeVarUint8Array(encoder, update);
	});
}

export function syncStep2Frame(documentName: string, update: Uint8Array): Uint8Array {
	return messageFrame(documentName, (encoder) => {
		encoding.writeVarUint(encoder, 0);
		encoding.writeVarUint(encoder, 1);
		encoding.writeVarUint8Array(encoder, update);
	});
}

/** The client leaves the document. */
export function closeFrame(documentName: string): Uint8Array {
	return messageFrame(documentName, (encoder) => encoding.writeVarUint(encoder, 7));
}

export function presenceFrame(documentName: string, update: Uint8Array): Uint8Array {
	return messageFrame(documentName, (encoder) => {
		encoding.writeVarUint(encoder, 1);
		encoding.writeVarUint8Array(encoder, update);
	});
}

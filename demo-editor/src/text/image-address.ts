/** In CSS pixels; the text is half as wide. */
const sideMax = 1_600;
/** Up to here a file is taken as it is: it may move, and everybody's documents have room for it. */
const plainBytesMax = 256 * 1024;
const quality = 0.85;

/**
 * A picture as an address that holds all of it, so that it is saved and goes to the others like anything else in the text. Large ones
 * are made as small as the text shows them.
 * @throws {Error} when the browser can't read it.
 */
export async function imageAddress(file: File): Promise<string> {
	return addressOf(file.size <= plainBytesMax ? file : await smaller(file));
}

async function smaller(file: File): Promise<Blob> {
	const picture = await createImageBitmap(file);
	const scale = Math.min(1, sideMax / Math.max(picture.width, picture.height));
	const [width, height] = [picture.width, picture.height].map((side) =>
		Math.max(1, Math.round(side * scale)),
	);
	const canvas = new OffscreenCanvas(width ?? 1, height ?? 1);
	canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
	picture.close();
	return canvas.convertToBlob({ type: "image/webp", quality });
}

function addressOf(blob: Blob): Promise<string> {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(String(reader.result));
		reader.onerror = () => reject(reader.error);
		reader.readAsDataURL(blob);
	});
}

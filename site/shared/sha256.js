// SHA-256 of bytes and of text, as hexadecimal digits; pure, all threads.

/** @param {Uint8Array<ArrayBuffer>} bytes */
export async function sha256OfBytes(bytes) {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} text in UTF-8 */
export const sha256OfText = (text) => sha256OfBytes(new TextEncoder().encode(text));

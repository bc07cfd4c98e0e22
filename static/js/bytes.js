// What is typed as hex or base64, as bytes; null if it is neither. And bytes in hex, for reading.
export function bytesOf(text, format) {
  if (format === "text") return text;
  const bare = text.replace(/\s/g, "");
  if (format === "hex") return /^([0-9a-f]{2})*$/i.test(bare) ? Uint8Array.from(bare.match(/../g) ?? [], (pair) => parseInt(pair, 16)) : null;
  try {
    return Uint8Array.from(atob(bare), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

export function inHex(data, most) {
  const bytes = new Uint8Array(data.buffer ?? data, 0, Math.min(data.byteLength, most));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

// Files that the page writes: a zip with class folders.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
}

// A zip of files [{name, bytes}] without compression; `date` is their time.
function writeZip(files, date = new Date()) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const parts = [], directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const path = utf8(name);
    const common = [20, 0x0800, 0, time, day]; // version, names are UTF-8, stored
    const sizes = [crc32(bytes), bytes.length, bytes.length];
    const local = record(0x04034b50, common, sizes, [path.length, 0]);
    directory.push(record(0x02014b50, [20, ...common], sizes, [path.length, 0, 0, 0, 0], [0, offset]), path);
    parts.push(local, path, bytes);
    offset += local.length + path.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [0, 0, files.length, files.length], [size, offset], [0]);
  return joinBytes([...parts, ...directory, end]);
}

// Numbers of a zip: a signature of 32 bits, then lists of 16, 32, 16 and 32 bits.
function record(signature, ...lists) {
  const out = [signature & 255, (signature >> 8) & 255, (signature >> 16) & 255, (signature >> 24) & 255];
  lists.forEach((values, i) => {
    for (const value of values) for (let k = 0; k < (i % 2 === 0 ? 2 : 4); k++) out.push((value >>> (8 * k)) & 255);
  });
  return Uint8Array.from(out);
}

function joinBytes(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// A name of a folder: the class, without characters that file systems refuse.
function folderName(name) {
  return name.replace(/[^\p{L}\p{N}_. -]/gu, "_").trim() || "class";
}

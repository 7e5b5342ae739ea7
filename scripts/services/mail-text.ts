interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface MailText {
  readonly messageId: string;
  readonly subject: string;
  /** The plain text; empty when the mail has none. */
  readonly text: string;
}

function partOf(raw: Buffer): Part {
  const end = raw.indexOf('\r\n\r\n');
  const head = (end < 0 ? raw : raw.subarray(0, end)).toString('utf8').replace(/\r\n[ \t]+/g, ' ');
  const fields = head.split('\r\n').map((line) => [line.split(':', 1)[0] ?? '', line] as const);
  const headers = new Map(fields.map(([name, line]) => [name.toLowerCase(), line.slice(name.length + 1).trim()]));
  return { headers, body: end < 0 ? Buffer.alloc(0) : raw.subarray(end + 4) };
}

function fromQuotedPrintable(text: string): Buffer {
  const bytes = text
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

/** RFC 2047: `=?utf-8?Q?caf=C3=A9?=`; the space between two encoded words is not part of the text. */
function decodeWords(header: string): string {
  return header
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?[^?]+\?([BQ])\?([^?]*)\?=/gi, (_, encoding: string, word: string) => {
      const bytes =
        encoding.toUpperCase() === 'B' ? Buffer.from(word, 'base64') : fromQuotedPrintable(word.replaceAll('_', ' '));
      return bytes.toString('utf8');
    });
}

function subparts({ headers, body }: Part): Part[] {
  const boundary = /^multipart\/.*boundary="?([^";]+)/i.exec(headers.get('content-type') ?? '')?.[1];
  if (boundary === undefined) return [];
  const pieces = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
  return pieces.map((piece) => partOf(Buffer.from(piece.replace(/^\r\n/, ''), 'latin1')));
}

function plainText(part: Part): string | undefined {
  const parts = subparts(part);
  if (parts.length > 0) return parts.map(plainText).find((text) => text !== undefined);
  if (!/^text\/plain/i.test(part.headers.get('content-type') ?? 'text/plain')) return undefined;
  const encoding = part.headers.get('content-transfer-encoding')?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(part.body.toString('latin1'), 'base64').toString('utf8');
  return (encoding === 'quoted-printable' ? fromQuotedPrintable(part.body.toString('latin1')) : part.body).toString(
    'utf8',
  );
}

/** Reads what nodemailer writes: UTF-8, in one part or several. */
export function mailText(raw: Buffer): MailText {
  const mail = partOf(raw);
  return {
    messageId: mail.headers.get('message-id') ?? '',
    subject: decodeWords(mail.headers.get('subject') ?? ''),
    text: (plainText(mail) ?? '').replaceAll('\r\n', '\n').trim(),
  };
}

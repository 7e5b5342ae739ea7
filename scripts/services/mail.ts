import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream } from 'smtp-server';
import { mailText } from './mail-text.js';
import type { MailText } from './mail-text.js';

export interface Mail extends MailText {
  readonly from: string;
  /** To whom it was delivered, whatever its header says. */
  readonly to: readonly string[];
}

export interface MailCatcherOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Recipients that get `550`, the permanent no. */
  readonly undeliverable?: RegExp;
}

/** A mail server on 127.0.0.1 that keeps what it is sent. */
export interface MailCatcher {
  readonly host: string;
  readonly port: number;
  /** In the order in which they were accepted. */
  readonly mails: readonly Mail[];
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const CLOSE_WITHIN_MS = 1_000;

async function bytesOf(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function mailServer(mails: Mail[], undeliverable: RegExp): SMTPServer {
  return new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: CLOSE_WITHIN_MS,
    onRcptTo({ address }, _session, answer) {
      const refused = Object.assign(new Error(`No mailbox here for ${address}`), { responseCode: 550 });
      answer(address.search(undeliverable) >= 0 ? refused : null);
    },
    onData(stream, { envelope }, answer) {
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      const to = envelope.rcptTo.map(({ address }) => address);
      bytesOf(stream)
        .then((raw) => mails.push({ from, to, ...mailText(raw) }))
        .then(() => answer(), answer);
    },
  });
}

export async function startMailCatcher(options: MailCatcherOptions = {}): Promise<MailCatcher> {
  const mails: Mail[] = [];
  const smtp = mailServer(mails, options.undeliverable ?? /undeliverable|invalid/i);
  await new Promise<void>((resolve, reject) => {
    smtp.once('error', reject);
    smtp.listen(options.port ?? 0, HOST, resolve);
  });
  smtp.removeAllListeners('error').on('error', (error) => console.error(`Mail catcher: ${error.message}`));
  const { port } = smtp.server.address() as AddressInfo;
  return { host: HOST, port, mails, stop: () => new Promise((resolve) => smtp.close(resolve)) };
}

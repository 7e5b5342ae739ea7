import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { mailText } from '../../scripts/services/mail-text.js';
import type { Mail, MailCatcher } from '../../scripts/services/mail.js';

/**
 * A mail server that answers `450`, try later, to the first recipients that it is asked for, and that takes the first mails without saying so:
 * it cuts the line instead. `mails` holds all that it took.
 */
export async function startUnsureMailServer(left: { later: number; unanswered: number }): Promise<MailCatcher> {
  const mails: Mail[] = [];
  const sockets = new Set<Socket>();
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onRcptTo(_address, _session, answer) {
      left.later -= 1;
      answer(left.later >= 0 ? Object.assign(new Error('Try later'), { responseCode: 450 }) : null);
    },
    onData(stream, { envelope }, answer) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({ from: '', to: envelope.rcptTo.map(({ address }) => address), ...mailText(Buffer.concat(chunks)) });
        left.unanswered -= 1;
        if (left.unanswered < 0) answer();
        else for (const socket of sockets) socket.destroy();
      });
    },
  });
  smtp.on('error', () => undefined); // the lines that are cut
  smtp.server.on('connection', (socket: Socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  const { port } = smtp.server.address() as AddressInfo;
  return { host: '127.0.0.1', port, mails, stop: () => new Promise((resolve) => smtp.close(resolve)) };
}

import { createTransport } from 'nodemailer';
import { startMailCatcher } from '../../scripts/services/mail.js';
import type { MailCatcher, MailCatcherOptions } from '../../scripts/services/mail.js';

describe('startMailCatcher', () => {
  let catcher: MailCatcher;

  async function start(options?: MailCatcherOptions): Promise<ReturnType<typeof createTransport>> {
    catcher = await startMailCatcher(options);
    return createTransport({ host: catcher.host, port: catcher.port });
  }

  afterEach(() => catcher.stop());

  it('keeps what it is sent, in order', async () => {
    const transport = await start();
    const mail = { from: 'tasks@example.com', to: 'Ada <ada@example.com>', messageId: '<saga-1@example.com>' };

    await transport.sendMail({ ...mail, subject: 'Task assigned', text: 'Write the report.\nBy Friday.' });
    await transport.sendMail({ ...mail, to: ['a@example.com', 'b@example.com'], subject: 'Two', text: '' });

    expect(catcher.mails).toMatchObject([
      {
        from: 'tasks@example.com',
        to: ['ada@example.com'],
        messageId: '<saga-1@example.com>',
        subject: 'Task assigned',
        text: 'Write the report.\nBy Friday.',
      },
      { to: ['a@example.com', 'b@example.com'], subject: 'Two', text: '' },
    ]);
  });

  it('reads letters beyond ASCII, long lines and the plain text beside HTML', async () => {
    const transport = await start();
    const subject = 'Größe prüfen – シフトの割り当てについて、できるだけ早くご確認ください';
    const text = `Zażółć gęślą jaźń = 100 % ${'très '.repeat(60)}fin`;

    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject, text });
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject, text, html: '<p>HTML</p>' });
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject, text: '漢字'.repeat(100) });

    expect(catcher.mails).toMatchObject([
      { subject, text },
      { subject, text },
      { subject, text: '漢字'.repeat(100) },
    ]);
  });

  it.each(['undeliverable@example.com', 'someone@invalid.example.com'])('refuses %s for good', async (to) => {
    const transport = await start();

    await expect(transport.sendMail({ from: 'a@example.com', to, text: 'hello' })).rejects.toMatchObject({
      responseCode: 550,
      rejected: [to],
    });
    expect(catcher.mails).toEqual([]);
  });

  it('refuses the recipients of a pattern of ours', async () => {
    const transport = await start({ undeliverable: /@blocked\./ });

    await transport.sendMail({ from: 'a@example.com', to: 'undeliverable@example.com', text: 'hello' });

    await expect(transport.sendMail({ to: 'x@blocked.example.com', text: 'hello' })).rejects.toThrow(/550/);
    expect(catcher.mails).toHaveLength(1);
  });

  it('stops while a client keeps its connection', async () => {
    await start();
    const pool = createTransport({ host: catcher.host, port: catcher.port, pool: true });
    await pool.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'hello' });

    await catcher.stop();

    const late = createTransport({ host: catcher.host, port: catcher.port });
    await expect(late.sendMail({ to: 'b@example.com', text: 'late' })).rejects.toThrow(/ECONNREFUSED/);
    pool.close();
    catcher = await startMailCatcher();
  });
});

import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createTransport } from 'nodemailer';

export interface Mail {
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

@Injectable()
export class Mailer implements OnApplicationShutdown {
  private readonly smtp;

  constructor(url: string) {
    const timeouts = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 20_000 };
    this.smtp = createTransport({ url, pool: true, ...timeouts }, { from: 'tasks@example.com' });
  }

  /**
   * @returns `sent`, or why the address will never get mail
   * @throws whatever else happens: then the mail may be on its way or not, and the same mail may be sent again
   */
  async send({ to, ...mail }: Mail): Promise<'sent' | { readonly undeliverable: string }> {
    try {
      await this.smtp.sendMail({ ...mail, to: { name: '', address: to } });
      return 'sent';
    } catch (error) {
      if (refusesRecipient(error)) return { undeliverable: `${to} is undeliverable: ${error.response}` };
      throw error;
    }
  }

  onApplicationShutdown(): void {
    this.smtp.close();
  }
}

/** A 5xx to `RCPT TO` is a definite no; a 4xx says: later. */
function refusesRecipient(error: unknown): error is { readonly response: string } {
  const { command, responseCode, response } = error as { command?: string; responseCode?: number; response?: string };
  return command === 'RCPT TO' && responseCode !== undefined && responseCode >= 500 && response !== undefined;
}

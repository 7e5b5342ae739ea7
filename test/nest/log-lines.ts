import type { LoggerService } from '@nestjs/common';

/** A logger that keeps what it is told. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly details: string[] = [];

  log(message: unknown): void {
    this.lines.push(String(message));
  }

  warn(message: unknown): void {
    this.warnings.push(String(message));
  }

  debug(message: unknown): void {
    this.details.push(String(message));
  }

  error(...messages: readonly unknown[]): void {
    this.errors.push(messages.join(' '));
  }
}

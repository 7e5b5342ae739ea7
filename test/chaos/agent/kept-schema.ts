import { DataSource } from 'typeorm';

/** The checker has taken unique constraints away, lest they hide what is done twice: the application shall not put them back. */
export function keepSchema(wanted: string | undefined): void {
  if (wanted === 'on') DataSource.prototype.synchronize = async () => undefined;
}

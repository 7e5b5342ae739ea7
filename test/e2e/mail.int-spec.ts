import { readEndState } from '../../scripts/demo/end-state.js';
import { startMailCatcher } from '../../scripts/services/mail.js';
import { createTask, settledSaga, taskOf } from './api.js';
import { InProcess } from './in-process.js';
import { contradictions, query, until, untilSettled } from './rows.js';
import { startUnsureMailServer } from './unsure-mail-server.js';

const all = ['task', 'assignment', 'notification'] as const;

describe('sending the mail, which no transaction can undo', () => {
  test('a mail of which nobody knows whether it was taken is sent again with the same Message-ID, and is never called failed', async () => {
    const mail = await startUnsureMailServer({ later: 0, unanswered: 1 });
    const world = await InProcess.start(all, mail);
    const { sagaId } = await createTask(await world.url(), 'alice');

    expect((await settledSaga(await world.url(), sagaId)).status).toBe('completed');
    await untilSettled(world.ground, 1);
    expect(mail.mails).toHaveLength(2);
    expect(mail.mails[1]!.messageId).toBe(mail.mails[0]!.messageId);
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
  });

  test('a mail server that asks for patience is not taken for a refusal', async () => {
    const mail = await startUnsureMailServer({ later: 1, unanswered: 0 });
    const world = await InProcess.start(all, mail);
    const { sagaId } = await createTask(await world.url(), 'alice');
    expect((await settledSaga(await world.url(), sagaId)).status).toBe('completed');
    expect(mail.mails).toHaveLength(1);
  });

  test('while the mail server is away the saga waits, and it goes on when the server is back', async () => {
    const mail = await startMailCatcher();
    const world = await InProcess.start(all, mail);
    await mail.stop();
    const { sagaId, taskId } = await createTask(await world.url(), 'alice');
    const failed = `SELECT 1 FROM saga_step WHERE step = 'sendNotification' AND status = 'running' AND attempts > 0`;
    await until('an attempt has failed', async () => {
      return (await query(world.ground.databases.notification, failed)).length > 0;
    });
    expect(await taskOf(await world.url(), taskId)).toMatchObject({ status: 'pending_assignment' });

    const back = await startMailCatcher({ port: mail.port });
    expect((await settledSaga(await world.url(), sagaId)).status).toBe('completed');
    expect(back.mails).toHaveLength(1);
    await back.stop();
  });
});

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, OnSagaEvent, SagaStep, StepRejected, defineSaga, type StepContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { z } from 'zod';
import { Note } from '../nest/database-scene.js';

const asked = z.object({ rooms: z.array(z.string()), expert: z.boolean() });
const nothing = z.object({});

class SurveyAsked extends DomainEvent('kinds.survey.asked', asked) {}
class RoomSeen extends DomainEvent('kinds.room.seen', z.object({ room: z.string() })) {}
class SurveyFiled extends DomainEvent('kinds.survey.filed', nothing) {}
class DamageAsked extends DomainEvent('kinds.damage.asked', asked) {}
class Surveyed extends DomainEvent('kinds.surveyed', nothing) {}
class ExpertHeard extends DomainEvent('kinds.expert.heard', nothing) {}
class CaseOpened extends DomainEvent('kinds.case.opened', asked) {}
class DamageSettled extends DomainEvent('kinds.damage.settled', z.object({ expert: z.boolean() })) {}
class CaseApproved extends DomainEvent('kinds.case.approved', nothing) {}

/** The innermost: its source is decided by a person, its rooms are seen outside, and it has a deadline. */
export const Survey = defineSaga(
  'kinds-survey',
  {
    ask: { input: asked, awaits: 'signal', emits: SurveyAsked },
    see: { after: 'ask', each: (survey: SurveyAsked) => survey.rooms, effect: 'external', emits: RoomSeen },
    file: { after: 'see', kind: 'readOnly', emits: SurveyFiled },
  },
  { commits: 'withParent', deadline: 600_000 },
);
export { SurveyAsked };

/** In the middle: its last step may be skipped. */
export const Damage = defineSaga(
  'kinds-damage',
  {
    ask: { input: asked, emits: DamageAsked },
    survey: { after: 'ask', saga: Survey, emits: Surveyed, result: () => ({}) },
    hear: {
      after: ['ask', 'survey'],
      when: ({ ask }: { ask: DamageAsked; survey: Surveyed }) => ask.expert,
      emits: ExpertHeard,
    },
  },
  { commits: 'withParent' },
);

export const Case = defineSaga('kinds-case', {
  open: { input: asked, emits: CaseOpened },
  settle: {
    after: 'open',
    saga: Damage,
    emits: DamageSettled,
    result: (heard: ExpertHeard | undefined) => ({ expert: heard !== undefined }),
  },
  approve: { after: 'settle', kind: 'pivot', emits: CaseApproved },
});

type Asked = z.infer<typeof asked>;

@Injectable()
export class KindsSteps {
  readonly failing = new Set<string>();
  readonly refused = new Set<string>();
  /** Whether the person who is asked first answers at once. */
  answered = true;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Survey.steps.ask)
  async askSurvey(input: Asked): Promise<SurveyAsked | undefined> {
    await this.noted('ask survey');
    return this.answered ? new SurveyAsked(input) : undefined;
  }

  @Compensates(Survey.steps.ask)
  unaskSurvey(): Promise<void> {
    return this.noted('unask survey');
  }

  @SagaStep(Survey.steps.see)
  async see(_asked: SurveyAsked, { branch }: StepContext): Promise<RoomSeen> {
    await this.noted(`see ${branch}`);
    return new RoomSeen({ room: branch });
  }

  @Compensates(Survey.steps.see)
  unsee(_seen: RoomSeen, { branch }: StepContext): Promise<void> {
    return this.noted(`unsee ${branch}`);
  }

  @SagaStep(Survey.steps.file)
  file(_seen: Readonly<Record<string, RoomSeen>>): SurveyFiled {
    return new SurveyFiled({});
  }

  @SagaStep(Damage.steps.ask)
  async askDamage(input: Asked): Promise<DamageAsked> {
    await this.noted('ask damage');
    return new DamageAsked(input);
  }

  @Compensates(Damage.steps.ask)
  unaskDamage(): Promise<void> {
    return this.noted('unask damage');
  }

  @SagaStep(Damage.steps.survey)
  survey({ rooms, expert }: DamageAsked): Asked {
    return { rooms, expert };
  }

  @SagaStep(Damage.steps.hear)
  async hear(): Promise<ExpertHeard> {
    await this.noted('hear');
    return new ExpertHeard({});
  }

  @Compensates(Damage.steps.hear)
  unhear(): Promise<void> {
    return this.noted('unhear');
  }

  @SagaStep(Case.steps.open)
  async open(input: Asked): Promise<CaseOpened> {
    await this.noted('open');
    return new CaseOpened(input);
  }

  @Compensates(Case.steps.open)
  unopen(): Promise<void> {
    return this.noted('unopen');
  }

  @SagaStep(Case.steps.settle)
  settle({ rooms, expert }: CaseOpened): Asked {
    return { rooms, expert };
  }

  @SagaStep(Case.steps.approve)
  async approve({ expert }: DamageSettled): Promise<CaseApproved> {
    await this.noted(`approve ${expert}`);
    return new CaseApproved({});
  }

  @OnSagaEvent(RoomSeen)
  heard({ room }: RoomSeen): Promise<void> {
    return this.noted(`heard ${room}`);
  }

  private async noted(text: string): Promise<void> {
    await this.notes.insert({ text });
    if (this.failing.has(text)) throw new Error(`${text} fails`);
    if (this.refused.has(text)) throw new StepRejected(`${text} refused`);
  }
}

import type { SagaGraph, StepNode } from '../../../libs/saga/src/definition/index.js';

/** A step of one of several sagas; all have different names, but those that the library gives. */
export interface Place {
  readonly saga: SagaGraph;
  readonly node: StepNode;
}

/** A saga and those that are steps of it, or of one of these. */
export class Family {
  readonly members: readonly SagaGraph[];
  private readonly places = new Map<string, Place>();

  constructor(saga: SagaGraph) {
    this.members = [saga, ...insideOf(saga)];
    for (const member of this.members)
      for (const node of Object.values(member.steps)) this.places.set(nameIn(member, node), { saga: member, node });
  }

  at(name: string): Place {
    return this.places.get(name)!;
  }

  saga(name: string): SagaGraph {
    return this.members.find((member) => member.name === name)!;
  }

  get names(): readonly string[] {
    return [...this.places.keys()];
  }

  /** The steps that are sagas of their own. */
  get nested(): readonly string[] {
    return this.names.filter((name) => this.at(name).node.nested);
  }

  /** What has to be in one service: a step that is a saga, and that one's first and last. */
  get groups(): readonly (readonly string[])[] {
    const linked = [...this.places].flatMap(([name, { node }]) => {
      const child = node.nested?.saga;
      return child ? [[name, child.source, nameIn(child, child.steps[child.commitPoint]!)]] : [];
    });
    return [...linked, ...this.names.filter((name) => !linked.flat().includes(name)).map((name) => [name])];
  }
}

/** Steps that do nothing themselves. */
export function isLink({ saga, node }: Place): boolean {
  return node.nested !== undefined || (saga.commits === 'withParent' && node.name === saga.commitPoint);
}

function insideOf(saga: SagaGraph): readonly SagaGraph[] {
  return Object.values(saga.steps).flatMap(({ nested }) => (nested ? [nested.saga, ...insideOf(nested.saga)] : []));
}

function nameIn(saga: SagaGraph, { name }: StepNode): string {
  return saga.commits === 'withParent' && name === saga.commitPoint ? `${saga.name}/${name}` : name;
}

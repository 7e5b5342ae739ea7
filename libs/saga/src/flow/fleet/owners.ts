import type { Posting } from '../../ports/board.js';

/** Which service runs a step. */
export interface Owner {
  readonly service: string;
  /** Another service may take the step. */
  readonly handsOver: boolean;
  /** Whom it was taken from; that service passes on what it has not begun. */
  readonly from?: string;
  /** It was taken from a service of which nobody is left. */
  readonly dead?: true;
  /** When it became the owner, by the board's clock. */
  readonly at?: number;
}

const prefix = 'owner/';

/**
 * Who announced a step first keeps it: of the postings about a step the first counts, until its owner hands it over. The last posting of a key is all that stays
 * on the board, so whoever finds that a later one stands there puts the first one back.
 */
export class Owners {
  private readonly known = new Map<string, Owner>();

  of(place: string): Owner | undefined {
    return this.known.get(place);
  }

  isAbout({ key }: Posting): boolean {
    return key.startsWith(prefix);
  }

  /** @returns what has to be put back, because somebody else owns the step */
  take({ key, value, at }: Posting): Posting | undefined {
    const place = key.slice(prefix.length);
    if (value === undefined) {
      this.known.delete(place);
      return undefined;
    }
    const said = ownerFrom(value, at);
    const owner = this.known.get(place);
    if (said && (!owner || said.service === owner.service || mayTake(said, owner))) {
      this.known.set(place, said);
      return undefined;
    }
    return owner && ownerPosting(place, owner);
  }
}

function mayTake({ from, dead }: Owner, { service, handsOver }: Owner): boolean {
  return from === service && (handsOver || dead === true);
}

/** The time is that of the posting, unless it repeats an earlier one. */
export function ownerPosting(place: string, owner: Owner): Posting {
  return { key: `${prefix}${place}`, value: JSON.stringify(owner) };
}

function ownerFrom(text: string, posted: number | undefined): Owner | undefined {
  try {
    const said = JSON.parse(text) as Partial<Owner> | null;
    if (typeof said?.service !== 'string') return undefined;
    const { service, handsOver, from, dead } = said;
    const at = typeof said.at === 'number' ? said.at : posted;
    return {
      service,
      handsOver: handsOver === true,
      ...(typeof from === 'string' && { from }),
      ...(dead === true && { dead }),
      ...(at !== undefined && { at }),
    };
  } catch {
    return undefined;
  }
}

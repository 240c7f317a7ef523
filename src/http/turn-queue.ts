/**
 * Runs tasks at once while they are few. When many come together they wait in their order and run so many a turn of
 * the event loop, so that whoever was there before gets a turn in between.
 */
export function createTurnQueue(perTurn: number): (task: () => void) => void {
  let waiting: (() => void)[] = [];
  let next = 0;
  let startedThisTurn = 0;
  let scheduled = false;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(beginTurn);
  };
  const beginTurn = (): void => {
    scheduled = false;
    startedThisTurn = 0;
    for (; startedThisTurn < perTurn && next < waiting.length; startedThisTurn++) {
      // Before the task: it may throw.
      schedule();
      waiting[next++]?.();
    }
    if (next < waiting.length) return;
    waiting = [];
    next = 0;
  };
  return (task) => {
    schedule();
    if (startedThisTurn < perTurn && waiting.length === 0) {
      startedThisTurn++;
      task();
      return;
    }
    waiting.push(task);
  };
}

"""C7: every acknowledged callback is stored."""

from __future__ import annotations

from .check_result import CheckResult, short
from .run_record import CallbackKey, RunRecord


def acknowledged(record: RunRecord) -> CheckResult:
    """C7: after SUCCESS the gateway does not send the callback again, so the callback must be stored by then."""
    result = CheckResult("C7", "no SUCCESS without a stored callback")
    acknowledged_count, lost = 0, 0
    left: dict[CallbackKey, int] = dict(record.stored_callbacks)
    # Callbacks that a failover may have lost come last, so that they do not use up the rows of those stored after it.
    for callback in sorted(record.callbacks, key=lambda callback: record.may_be_lost(callback["t"])):
        if callback["http"] != 200 or callback["answer"] != "SUCCESS":
            continue
        acknowledged_count += 1
        key = callback["key"]
        left[key] = left.get(key, 0) - 1
        if left[key] >= 0:
            continue
        if record.may_be_lost(callback["t"]):
            lost += 1
        else:
            result.add(f"{short((callback['merchant'], callback['order']))}: {callback['what']} "
                       f"at {callback['t'] - record.started_at:.3f} s")
    result.scope = f"{len(record.callbacks)} callbacks, {acknowledged_count} acknowledged"
    result.note = f"{lost} may have been lost in a failover" if lost else ""
    return result

"Solutions and well-known wrong answers to the exercises of the chapter on many runs."

CASES = {
    "try-again": (lambda row: "failed" in row and not row["failed"].startswith("Diverged"), [
        (lambda row: "failed" in row, "diverge again"), (lambda row: True, "never end"),
        (lambda row: False, "says nothing about the config"),
        (lambda row: "failed" in row or row["scores"]["frechet"] > 100, "table would lie"),
        (lambda row: row["failed"].startswith("OSError"), "KeyError"),
        (lambda row: row.get("failed", "").startswith("OSError"), "process was lost")]),
    "study-minutes": (30, [
        (28.33, "half of the last run"), (33.33, "not made again"), (56.67, "one worker"),
        (66.67, "one worker, and 3"), (27, "beside its steps"), (25.5, "beside its steps"),
        (6.67, "five seeds"), (1800, "seconds"), (12, "rounds")]),
}

"Solutions and well-known wrong answers to the exercises of the chapter on the command line."

CASES = {
    "exit-code": (143, [
        (130, "Ctrl-C"), (15, "adds to it"), (137, "SIGKILL"), (1, "from outside"), (2, "not 128")]),
    "resume-line": ("gan-course train cgan --epochs 20 --out runs/a --resume", [
        ("gan-course train cgan --epochs 20 --out runs/a", "without --resume"),
        ("gan-course train cgan --epochs 20 --out runs/a --overwrite", "deletes"),
        ("gan-course train cgan --out runs/a --resume", "another config"),
        ("gan-course train cgan --epochs 20 --resume", "another folder"),
        ("gan-course train cgan --epochs 20 --out runs/a --resume --full", "not in the first line")]),
}

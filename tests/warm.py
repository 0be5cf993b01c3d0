"""A Python whose imports are done: a fork of a process that has imported torch runs `warm.py -m MODULE ...`
or `-c CODE ...`.

Each notebook and command under test would import torch and its like for six seconds. The process that has
done so (`start`) serves whoever knows its socket until who started it is gone. It has imported nothing of
`gan_course` and computed nothing, so a fork is like a new process. Without a socket, it is a new process.
"""
import os
import signal
import socket
import sys

PYTHON = [sys.executable, '-IS', __file__] # it is followed by '-m' or '-c'
SOCKET = 'WARM_PYTHON'
HEAVY = ('torch._dynamo', 'torchvision.transforms.v2.functional', 'torchvision.datasets', 'safetensors.torch',
         'torchmetrics.image.fid', 'pandas', 'scipy.stats', 'matplotlib.figure', 'ipykernel.kernelapp',
         'anywidget', 'tqdm.auto', 'nbdev.showdoc')
OWN = ('matplotlib.pyplot', 'matplotlib_inline.backend_inline') # they look for the notebook they draw in


def ask(argv):
    "Have a fork run the command with this process's streams, folder and variables: its exit status."
    handed_on = signal.SIGINT, signal.SIGTERM
    signal.pthread_sigmask(signal.SIG_BLOCK, handed_on) # until it is known to whom
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(os.environ[SOCKET])
        socket.send_fds(server, [b'.'], [0, 1, 2])
        server.sendall(repr((argv, os.getcwd(), dict(os.environ))).encode() + b'\n')
        answer = server.makefile()
        child = int(answer.readline())
        for number in handed_on: signal.signal(number, lambda number, _: os.kill(child, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handed_on)
        return int(answer.readline() or 1)


def become(streams, argv, folder, variables):
    "Turn this process into the one that was asked for."
    import runpy
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    kind, what, *rest = argv
    sys.argv, sys.path[0] = [what if kind == '-m' else kind, *rest], folder
    if kind == '-m': runpy.run_module(what, run_name='__main__', alter_sys=True)
    else: exec(what, dict(__name__='__main__'))


def answer(asker):
    "Fork, run what is asked in the fork, and say its number and its exit status; end it when the asker ends."
    import ast
    import threading
    from contextlib import suppress

    def end_with_it():
        with suppress(ConnectionError): asker.recv(1)
        with suppress(ProcessLookupError): os.kill(child, signal.SIGKILL)

    _, streams, _, _ = socket.recv_fds(asker, 1, 3)
    with asker.makefile() as lines: asked = ast.literal_eval(lines.readline())
    child = os.fork()
    if not child:
        asker.close()
        return become(streams, *asked)
    for stream in streams: os.close(stream)
    asker.sendall(f'{child}\n'.encode())
    threading.Thread(target=end_with_it, daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ConnectionError): asker.sendall(f'{status % 256}\n'.encode())
    os._exit(0)


def serve(server, modules):
    "Import, then answer every asker in a fork of its own, until the input ends."
    import gc
    import importlib
    import select
    for name in modules: importlib.import_module(name)
    for name in OWN: sys.modules.pop(name, None)
    gc.freeze() # forks share what is imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN) # nobody waits for a fork
    while server in select.select([server, sys.stdin], [], [])[0]:
        asker, _ = server.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            return answer(asker)
        asker.close()


def start(folder, modules=HEAVY):
    "Start the process that serves, for this one and its children: they find its socket in their variables."
    import subprocess
    os.environ[SOCKET] = os.path.join(folder, 'warm')
    backend = 'module://matplotlib_inline.backend_inline' # matplotlib reads it when it is imported
    ours = os.environ | dict(MPLBACKEND=backend)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.environ[SOCKET])
        server.listen(64)
        command = [sys.executable, __file__, str(server.fileno()), *modules]
        return subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[server.fileno()], env=ours)


if __name__ == '__main__':
    if sys.argv[1].isdigit(): serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    elif SOCKET in os.environ: sys.exit(ask(sys.argv[1:]))
    else: os.execv(sys.executable, [sys.executable, *sys.argv[1:]])

/// The program that a Python session runs: it takes commands from its terminal, runs them in one namespace, and tells on
/// both outputs when each is over.
enum PythonDriver {
    static let text = """
        ast, base64, os, sys, traceback = map(__import__, ('ast', 'base64', 'os', 'sys', 'traceback'))
        src = os.fdopen(os.dup(0), 'r')
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        sys.stdin = os.fdopen(0, 'r', closefd=False)
        space = {'__name__': '__main__', '__doc__': None, '__builtins__': __builtins__}
        def run(text):
            tree = ast.parse(text, '<input>')
            last = None
            if tree.body and isinstance(tree.body[-1], ast.Expr):
                last = ast.Expression(tree.body.pop().value)
            exec(compile(tree, '<input>', 'exec'), space)
            if last is not None:
                value = eval(compile(last, '<input>', 'eval'), space)
                if value is not None:
                    space['_'] = value
                    print(repr(value))
        def line():
            while True:
                try:
                    return src.readline()
                except KeyboardInterrupt:
                    pass
        while True:
            mark = line()
            if not mark:
                break
            parts = []
            while True:
                part = line().strip()
                if part == '.' or part == '':
                    break
                parts.append(part)
            status, over = 0, False
            try:
                run(base64.b64decode(''.join(parts)).decode('utf-8'))
            except SystemExit as end:
                over = True
                if isinstance(end.code, int):
                    status = end.code & 255
                elif end.code is not None:
                    print(end.code, file=sys.stderr)
                    status = 1
            except KeyboardInterrupt:
                status = 130
                print('KeyboardInterrupt', file=sys.stderr)
            except BaseException:
                status = 1
                kind, value, trace = sys.exc_info()
                while trace and trace.tb_frame.f_code.co_filename != '<input>':
                    trace = trace.tb_next
                traceback.print_exception(kind, value, trace)
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            except Exception:
                pass
            try:
                place = os.getcwd().encode('utf-8', 'surrogateescape')
            except OSError:
                place = b''
            report = '\\0%s %d %d %s\\0' % (mark.strip(), status, over, base64.b64encode(place).decode())
            for out in (1, 2):
                os.write(out, report.encode())
            if over:
                os._exit(status)
        """
}

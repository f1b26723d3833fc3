import Glibc
package import MMCore
import MMSessions
package import MMShell

/// A persistent Python session: commands are statements or expressions, and can use the variables of earlier ones.
///
/// It runs inside a local shell, which provides its terminal and its confinement, and ends it.
package actor PythonShell: ShellSession {
    /// The session's name.
    package nonisolated let name: String
    private let settings: ShellSettings
    private let turns = TurnQueue()
    private var shell: LocalShell?
    private var interpreter: ShellJob?
    private var directory: String
    private var wasRestarted = false
    private var isClosed = false

    /// Starts Python and waits until it answers.
    /// - Throws: `notFound` without `python3`, and the errors of starting a shell.
    package static func start(_ settings: ShellSettings) async throws(MMError) -> PythonShell {
        let session = PythonShell(settings)
        do throws(MMError) {
            let deadline = Deadline.after(settings.times.start)
            let job = try await session.start(ShellCommand("pass"), deadline: deadline, observer: nil)
            guard let end = await job.wait(until: deadline), end.cause == .finished else {
                let words = String(decoding: job.output(.stderr).bytes.prefix(300), as: UTF8.self)
                throw MMError(
                    .notFound, "Python can't be started.", hint: "Install the Debian package python3.", cause: words)
            }
        } catch {
            await session.close()
            throw error
        }
        return session
    }

    private init(_ settings: ShellSettings) {
        var inner = settings
        // The policy applies to the caller's commands, not to the one that starts Python.
        inner.policy = .open
        self.settings = inner
        policy = settings.policy
        name = settings.name
        directory = settings.directory
    }

    private let policy: ShellPolicy

    /// The working directory after the last command.
    package var workingDirectory: String { directory }

    private func usable() async throws(MMError) -> ShellJob {
        guard !isClosed else { throw ShellEnd.closedSession }
        if let interpreter, interpreter.end == nil { return interpreter }
        if interpreter != nil { wasRestarted = true }
        await shell?.close()
        let fresh = try await LocalShell.start(settings)
        shell = fresh
        let quoted = PythonDriver.text.split(separator: "'", omittingEmptySubsequences: false).joined(
            separator: "'\\''")
        let command = ShellCommand(
            "python3 -u -c '\(quoted)'", input: .terminal, limits: ShellCommand.Limits(head: 0, tail: 8 << 20))
        let job = try await fresh.start(command, deadline: .never)
        interpreter = job
        return job
    }

    /// Runs a command after the earlier ones have ended.
    package func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob {
        let deadline = policy.deadline(deadline)
        let turn = try await turns.take(deadline)
        try policy.check(command, directory: directory)
        let host = try await usable()
        let stop = Stop(settings.times)
        let job = ShellJob(
            command: command, observer: observer,
            reach: ShellJob.Reach(
                cancel: { stop.ask($0) }, type: { _ in },
                signal: { [weak host] number in await host?.signal(number) ?? false }, waiting: { _ in nil }))
        Task {
            await self.supervise(job, host, stop, deadline)
            turn.release()
        }
        return job
    }

    /// The steps by which a command is stopped.
    private enum Rung { case interrupt, replace }

    /// The stop of a command, which its caller requests and the supervising task carries out.
    private final class Stop: Sendable {
        private let ladder: Mutex<StopLadder<Rung, ShellEnd.Cause>>

        init(_ times: ShellSettings.Times) {
            ladder = Mutex(StopLadder([.init(.interrupt, times.interrupt), .init(.replace)]))
        }

        func ask(_ reason: ShellEnd.Cause) { ladder.withLock { _ = $0.stop(reason) } }
        var reason: ShellEnd.Cause? { ladder.withLock { $0.reason } }
        func nextRung() -> StopLadder<Rung, ShellEnd.Cause>.Step? { ladder.withLock { $0.climb() } }
    }

    private func supervise(_ job: ShellJob, _ host: ShellJob, _ stop: Stop, _ deadline: Deadline) async {
        let begin = ContinuousClock.now
        let restarted = wasRestarted
        wasRestarted = false
        let mark = RandomBytes.text(bytes: 16).filter { $0 != "-" && $0 != "_" }
        var streams = [ShellCommand.Stream.stdout, .stderr].map {
            MarkedStream(kind: $0, mark: mark, from: host.page($0, from: 0, limit: 0).total)
        }
        do {
            // A terminal doesn't pass on lines of more than 4095 bytes.
            var lines = mark + "\n"
            var text = Base64.text(Array(job.command.text.utf8))[...]
            while !text.isEmpty {
                lines += text.prefix(3000) + "\n"
                text = text.dropFirst(3000)
            }
            try await host.type(.text(lines + ".\n"))
        } catch {
            stop.ask(.lost("Python does not answer."))
        }
        var isDue = ContinuousClock.now
        while true {
            for index in streams.indices { streams[index].advance(host, into: job) }
            if streams.allSatisfy({ $0.report != nil }) || host.end != nil { break }
            if deadline.hasPassed { stop.ask(.deadline) }
            if isDue <= .now, let step = stop.nextRung() {
                isDue = .now + step.time
                switch step.rung {
                case .interrupt: _ = await host.signal(SIGINT)
                case .replace: host.cancel()
                }
            }
            let wake = stop.reason == nil ? Deadline.after(.milliseconds(200)) : .after(.milliseconds(50))
            await host.change(until: min(wake, stop.reason == nil ? deadline : wake))
        }
        // Passes on the rest of the output, even if no report came.
        for index in streams.indices { streams[index].advance(host, into: job, isLast: true) }
        let report = streams[0].report
        if let place = report?.directory, !place.isEmpty { directory = String(decoding: place, as: UTF8.self) }
        let isOver = report?.isOver ?? true
        job.finish(
            ShellEnd(
                cause: stop.reason ?? (isOver ? .shellEnded : .finished),
                exitCode: report?.status ?? host.end?.exitCode ?? 255, signal: nil,
                directoryBytes: Array(directory.utf8),
                duration: ContinuousClock.now - begin, restartsSession: isOver, restart: restarted ? .ownShell : nil))
        if isOver { _ = await host.wait(until: .after(.seconds(5))) }
    }

    /// Replaces Python with a new process.
    package func reset() async throws(MMError) {
        interpreter?.cancel()
        let turn = try await turns.take(.after(.seconds(30)))
        defer { turn.release() }
        await shell?.close()
        shell = nil
        interpreter = nil
        directory = settings.directory
        _ = try await usable()
    }

    /// Ends Python and everything it started.
    package func close() async {
        isClosed = true
        turns.close(ShellEnd.closedSession)
        await shell?.close()
    }
}

/// One output stream of the interpreter, up to the report that the command has ended.
private struct MarkedStream {
    struct Report {
        var status: Int32
        var isOver: Bool
        var directory: [UInt8]
    }

    let kind: ShellCommand.Stream
    private let wanted: [UInt8]
    private var position: Int
    private(set) var report: Report?

    init(kind: ShellCommand.Stream, mark: String, from position: Int) {
        self.kind = kind
        wanted = [0] + Array((mark + " ").utf8)
        self.position = position
    }

    /// Passes on the bytes that are certainly output, and reads the report once it is complete.
    mutating func advance(_ host: ShellJob, into job: ShellJob, isLast: Bool = false) {
        while report == nil {
            let page = host.page(kind, from: position, limit: 256 << 10)
            guard !page.bytes.isEmpty else { return }
            let bytes = page.bytes
            if let start = Self.find(wanted, in: bytes) {
                guard let end = bytes[(start + 1)...].firstIndex(of: 0) else {
                    hand(bytes[..<start], to: job)
                    position = page.start + start
                    return
                }
                hand(bytes[..<start], to: job)
                position = page.start + end + 1
                let words = String(decoding: bytes[(start + wanted.count)..<end], as: UTF8.self).split(separator: " ")
                report = Report(
                    status: words.first.flatMap { Int32($0) } ?? 1, isOver: words.dropFirst().first == "1",
                    directory: words.count > 2 ? Base64.bytes(String(words[2])) ?? [] : [])
                return
            }
            // The end of the bytes may be the beginning of a report.
            let kept = isLast ? 0 : min(bytes.count, bytes.lastIndex(of: 0).map { bytes.count - $0 } ?? 0)
            let held = kept <= wanted.count ? kept : 0
            hand(bytes[..<(bytes.count - held)], to: job)
            position = page.start + bytes.count - held
            if held > 0 { return }
        }
    }

    private func hand(_ bytes: ArraySlice<UInt8>, to job: ShellJob) {
        bytes.withUnsafeBytes { job.append(kind, $0) }
    }

    private static func find(_ wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        var start = 0
        while let zero = bytes[start...].firstIndex(of: 0) {
            if bytes[zero...].starts(with: wanted) { return zero }
            start = zero + 1
        }
        return nil
    }
}

/// The program that a Python session runs. It reads commands from its terminal, runs them in one namespace, and reports
/// the end of each on both outputs.
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

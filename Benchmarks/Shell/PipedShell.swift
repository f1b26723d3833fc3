import Glibc
import MMCore
import MMSystem

/// Bash on raw pipes: the lower bound for a persistent shell.
///
/// The plain form has one pipe in and one out; the answer ends with a line with a number and the status. The full form
/// gives the guarantees of a session: separate and exact output and errors, no standard input, status and directory on
/// a separate descriptor.
final class PipedShell: Sendable {
    private let child: ChildProcess
    private let input: Int32
    private let output: Int32
    private let error: Int32
    private let reports: Int32
    private let isFull: Bool
    private let counter = Mutex(0)

    static func start(_ environment: [String: String], isFull: Bool) async throws -> PipedShell {
        let pipes = try (0..<4).map { _ in try FileDescriptor.pipe().ends() }
        var command = ChildCommand(
            "/bin/bash", ["--norc", "--noprofile"] + (isFull ? ["--noediting", "-i"] : []), environment: environment)
        command.input = .descriptor(pipes[0].readEnd)
        command.output = .descriptor(pipes[1].writeEnd)
        command.error = .descriptor(pipes[2].writeEnd)
        command.extraDescriptors = [pipes[1].writeEnd, pipes[2].writeEnd, pipes[3].writeEnd]
        if isFull { command.terminal = Terminal.Size(rows: 24, columns: 80) }
        let child = try await ChildProcess.start(command)
        for raw in [pipes[0].readEnd, pipes[1].writeEnd, pipes[2].writeEnd, pipes[3].writeEnd] { close(raw) }
        let shell = PipedShell(
            child, pipes[0].writeEnd, pipes[1].readEnd, pipes[2].readEnd, pipes[3].readEnd, isFull: isFull)
        if isFull {
            shell.send("PS1= PS2= PROMPT_COMMAND=; exec >/dev/null 2>&1\n")
            try shell.run("echo hi", expecting: nil)
        }
        return shell
    }

    private init(
        _ child: ChildProcess, _ input: Int32, _ output: Int32, _ error: Int32, _ reports: Int32, isFull: Bool
    ) {
        (self.child, self.input, self.output, self.error, self.reports) = (child, input, output, error, reports)
        self.isFull = isFull
        if isFull { for raw in [output, error] { _ = fcntl(raw, F_SETFL, O_NONBLOCK) } }
    }

    /// Runs a command on this thread.
    func run(_ text: String, expecting wanted: String?) throws {
        let number = counter.withLock { number in
            number += 1
            return number
        }
        guard isFull else {
            send("eval '\(text)'; echo end-\(number) $?\n")
            let end = Array("\(wanted ?? "")end-\(number) 0\n".utf8)
            var seen: [UInt8] = []
            while !seen.elementsEqual(end) {
                let piece = take(output)
                guard !piece.isEmpty else { throw MMError(.unavailable, "The shell has gone.") }
                seen += piece
            }
            return
        }
        post(text, number)
        try check(take(reports), number, wanted)
    }

    /// Runs a command and waits for it as a session does: a watching thread resumes the task.
    func runAwaited(_ text: String, expecting wanted: String?) async throws {
        let number = counter.withLock { number in
            number += 1
            return number
        }
        let loop = try PollLoop.shared()
        let report = OneShot<[UInt8]>()
        let watch = try loop.watch(reports, for: .read, once: true) { [self] _ in report.resolve(take(reports)) }
        post(text, number)
        try check(await report.wait(), number, wanted)
        loop.forget(watch)
    }

    private func post(_ text: String, _ number: Int) {
        send("eval '\(text)' </dev/null >&3 2>&4 3>&- 4>&- 5>&-; printf '%s %s %s\\0' \(number) \"$?\" \"$PWD\" >&5\n")
    }

    private func check(_ report: [UInt8], _ number: Int, _ wanted: String?) throws {
        let (text, errors) = (take(output), take(error))
        guard let wanted else { return }
        guard report.starts(with: Array("\(number) 0 /".utf8)), report.last == 0, text.elementsEqual(wanted.utf8),
            errors.isEmpty
        else { throw MMError(.internalError, "A wrong answer.") }
    }

    private func send(_ line: String) {
        let bytes = Array(line.utf8)
        _ = write(input, bytes, bytes.count)
    }

    private func take(_ raw: Int32) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { room in
            let count = read(raw, room.baseAddress, room.count)
            return Array(UnsafeRawBufferPointer(rebasing: room[..<max(0, count)]))
        }
    }

    func end() {
        child.signalGroup(SIGKILL)
        for raw in [input, output, error, reports] { close(raw) }
    }
}

import Glibc
import MMCore
import MMSystem

/// Bash on an open SSH channel: the lower bound for a session on a host.
///
/// In the plain form the answer ends with a line with a number and the status. The full form gives the guarantees of a
/// session: separate and exact output and errors, no standard input, status and directory; both streams end with the
/// number.
final class HeldChannel: Sendable {
    private let child: ChildProcess
    private let input: Int32
    private let streams: [Int32]
    private let isFull: Bool
    private let counter = Mutex(0)

    /// Starts ssh with these arguments.
    static func start(_ words: [String], _ environment: [String: String], isFull: Bool) async throws -> HeldChannel {
        let pipes = try (0..<3).map { _ in try FileDescriptor.pipe().ends() }
        let shell = isFull ? "bash --norc --noprofile --noediting -i" : "bash --norc --noprofile"
        var command = ChildCommand("/usr/bin/ssh", words + [shell], environment: environment)
        command.input = .descriptor(pipes[0].readEnd)
        command.output = .descriptor(pipes[1].writeEnd)
        command.error = .descriptor(pipes[2].writeEnd)
        let child = try await ChildProcess.start(command)
        for raw in [pipes[0].readEnd, pipes[1].writeEnd, pipes[2].writeEnd] { close(raw) }
        let channel = HeldChannel(child, pipes[0].writeEnd, [pipes[1].readEnd, pipes[2].readEnd], isFull: isFull)
        if isFull {
            channel.send("PS1= PS2= PROMPT_COMMAND=; exec 7>&1 8>&2; exec >/dev/null 2>&1\n")
            try channel.run("echo hi", expecting: nil)
        }
        return channel
    }

    private init(_ child: ChildProcess, _ input: Int32, _ streams: [Int32], isFull: Bool) {
        (self.child, self.input, self.streams, self.isFull) = (child, input, streams, isFull)
    }

    /// Runs a command on this thread.
    func run(_ text: String, expecting wanted: String?) throws {
        let number = next()
        guard isFull else {
            send("eval '\(text)'; echo end-\(number) $?\n")
            try check(Self.read(streams[0], until: Array("end-\(number) 0\n".utf8)), "end-\(number) 0\n", wanted)
            return
        }
        post(text, number)
        let end = Array("\u{1}\(number)\0".utf8)
        let output = Self.read(streams[0], until: end)
        _ = Self.read(streams[1], until: end)
        try check(output, " 0 \u{1}\(number)\0", wanted)
    }

    /// Runs a command and waits for it as a session does: a watching thread resumes the task.
    func runAwaited(_ text: String, expecting wanted: String?) async throws {
        let number = next()
        let end = Array("\u{1}\(number)\0".utf8)
        let loop = try PollLoop.shared()
        let output = OneShot<[UInt8]>()
        let error = OneShot<[UInt8]>()
        let watches = try [(streams[0], output), (streams[1], error)].map { (raw, turn) in
            try loop.watch(raw, for: .read, once: true) { _ in turn.resolve(Self.read(raw, until: end)) }
        }
        post(text, number)
        let answer = await output.wait()
        _ = await error.wait()
        for watch in watches { loop.forget(watch) }
        try check(answer, " 0 \u{1}\(number)\0", wanted)
    }

    private func post(_ text: String, _ number: Int) {
        let mark = #"printf '%s %s \001%s\0' "$PWD" "$?" \#(number) >&7; printf '\001%s\0' \#(number) >&8"#
        send("eval '\(text)' </dev/null >&7 2>&8 7>&- 8>&-; \(mark)\n")
    }

    private func check(_ output: [UInt8], _ end: String, _ wanted: String?) throws {
        guard let wanted else { return }
        guard output.starts(with: wanted.utf8), output.suffix(end.utf8.count).elementsEqual(end.utf8) else {
            throw MMError(.internalError, "A wrong answer.")
        }
    }

    private func next() -> Int {
        counter.withLock { number in
            number += 1
            return number
        }
    }

    private func send(_ line: String) {
        let bytes = Array(line.utf8)
        _ = write(input, bytes, bytes.count)
    }

    private static func read(_ raw: Int32, until end: [UInt8]) -> [UInt8] {
        var seen: [UInt8] = []
        while !seen.suffix(end.count).elementsEqual(end) {
            let piece = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { room in
                let count = Glibc.read(raw, room.baseAddress, room.count)
                return Array(UnsafeRawBufferPointer(rebasing: room[..<max(0, count)]))
            }
            if piece.isEmpty { return seen }
            seen += piece
        }
        return seen
    }

    func end() {
        child.signalGroup(SIGKILL)
        for raw in [input] + streams { close(raw) }
    }
}

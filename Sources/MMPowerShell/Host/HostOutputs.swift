import Glibc
import MMCore
import MMSystem

/// Our ends of a child's standard output and standard error.
final class HostOutputs: Sendable {
    let stdout: FileDescriptor
    let stderr: FileDescriptor

    /// Takes over two reading ends.
    init(stdout: Int32, stderr: Int32) {
        self.stdout = FileDescriptor(owning: stdout)
        self.stderr = FileDescriptor(owning: stderr)
        for descriptor in [stdout, stderr] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    /// The first lines of what the child printed so far, for the error of a start that failed.
    func firstWords() -> String? {
        var room = [UInt8](repeating: 0, count: 2048)
        for descriptor in [stderr.raw, stdout.raw] {
            let count = read(descriptor, &room, room.count)
            guard count > 0 else { continue }
            let text = TerminalText.plain(String(decoding: room[..<count], as: UTF8.self)).trimmingBlanks()
            if !text.isEmpty { return text }
        }
        return nil
    }
}

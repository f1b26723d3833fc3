import CMMSystem
import Glibc
package import MMCore

/// The person's terminal, reachable even when standard input and output are redirected.
package struct Terminal: Sendable {
    /// The size in rows and columns.
    package struct Size: Sendable, Hashable {
        /// The number of lines.
        package var rows: Int
        /// The number of characters per line.
        package var columns: Int

        package init(rows: Int, columns: Int) {
            self.rows = rows
            self.columns = columns
        }
    }

    private let path: String

    /// The controlling terminal of this process.
    package static let controlling = Terminal(path: "/dev/tty")

    /// Creates a terminal for a device path.
    package init(path: String) {
        self.path = path
    }

    /// Returns whether a descriptor refers to a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Returns whether the terminal behind a descriptor translates line ends, so that a new line begins at the left
    /// edge; `true` for anything but a terminal.
    package static func translatesLineEnds(_ descriptor: Int32) -> Bool {
        var mode = termios()
        return tcgetattr(descriptor, &mode) != 0 || mode.c_oflag & tcflag_t(OPOST) != 0
    }

    /// Returns the size of the terminal behind a descriptor; nil when it isn't a terminal or doesn't report a size.
    package static func size(of descriptor: Int32) -> Size? {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        guard mm_window_size(descriptor, &rows, &columns) == 0, columns > 0 else { return nil }
        return Size(rows: Int(rows), columns: Int(columns))
    }

    /// Whether the terminal can be opened, that is, whether there is a person to ask.
    package var isAvailable: Bool {
        let raw = mm_open_terminal(path)
        if raw >= 0 { close(raw) }
        return raw >= 0
    }

    /// Writes a question and reads a one-line answer.
    /// - Parameters:
    ///   - question: the question; its control characters are replaced, since it may contain untrusted text.
    ///   - hidden: whether to hide the answer while it is typed, as for a password.
    /// - Returns: the line; nil at the end of the input (Ctrl-D).
    /// - Throws: `.unavailable` without a terminal; `.cancelled` when the task is cancelled.
    package func ask(_ question: String, hidden: Bool = false) async throws(MMError) -> String? {
        let raw = mm_open_terminal(path)
        guard raw >= 0 else {
            throw MMError(
                .unavailable, "There is no terminal to ask on.", hint: "Run this in a terminal.")
        }
        let event = mm_eventfd()
        guard event >= 0 else {
            close(raw)
            throw SystemError.error("Creating an event descriptor")
        }
        let stopper = FileDescriptor(owning: event)
        let outcome = OneShot<Result<String?, MMError>>()
        let shown = Self.printable(question)
        let stop = event
        do throws(MMError) {
            try DedicatedThread.start("mm-question") {
                let terminal = FileDescriptor(owning: raw)
                outcome.resolve(Self.exchange(shown, hidden: hidden, terminal.raw, stop: stop))
            }
        } catch {
            close(raw)
            throw error
        }
        let result = await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            var one: UInt64 = 1
            _ = Glibc.write(stop, &one, MemoryLayout<UInt64>.size)
        }
        _ = stopper.raw
        return try result.get()
    }

    private static func exchange(
        _ question: String, hidden: Bool, _ descriptor: Int32, stop: Int32
    ) -> Result<String?, MMError> {
        let saved = UnsafeMutableRawPointer.allocate(byteCount: mm_terminal_mode_size(), alignment: 16)
        defer { saved.deallocate() }
        let isQuiet = hidden && mm_terminal_quiet(descriptor, 0, saved) == 0
        guard isQuiet || !hidden else {
            return .failure(
                MMError(.unavailable, "The terminal can't hide typed text.", hint: "Put the secret into a file."))
        }
        defer { if isQuiet { _ = mm_terminal_restore(descriptor, saved) } }
        let bytes = Array(question.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        var line: [UInt8] = []
        while true {
            guard mm_wait_readable(descriptor, stop) == 1 else {
                return .failure(MMError(.cancelled, "The question was cancelled."))
            }
            var byte: UInt8 = 0
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return .success(line.isEmpty ? nil : String(decoding: line, as: UTF8.self)) }
            if byte == 0x0A { break }
            if line.count < 64 << 10 { line.append(byte) }
        }
        if line.last == 0x0D { line.removeLast() }
        return .success(String(decoding: line, as: UTF8.self))
    }

    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl =
                        (scalar.value < 0x20 && scalar != "\n" && scalar != "\t")
                        || (0x7F...0x9F).contains(scalar.value)
                    return isControl ? "?" : scalar
                }))
    }
}

/// The controlling end (master) of a pseudo-terminal.
package final class PseudoTerminal: Sendable {
    /// Reads what programs write to the terminal.
    package let output: PolledReader
    /// Writes what is typed into the terminal.
    package let input: PolledWriter
    /// The device path of the end that programs use (slave).
    package let path: String
    private let master: FileDescriptor

    /// Opens a pseudo-terminal of this size; the caller owns the returned descriptor of the slave end.
    /// - Throws: `.unavailable` when there are none left.
    package static func open(_ size: Terminal.Size) throws(MMError) -> (terminal: PseudoTerminal, slave: Int32) {
        var room = [CChar](repeating: 0, count: 256)
        let raw = mm_open_pty(&room, room.count)
        guard raw >= 0 else { throw SystemError.error("Opening a pseudo-terminal") }
        let master = FileDescriptor(owning: raw)
        let path = String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = mm_set_window_size(raw, UInt16(clamping: size.rows), UInt16(clamping: size.columns))
        let slave = mm_open_terminal(path)
        guard slave >= 0 else { throw SystemError.error("Opening \(path)") }
        do throws(MMError) {
            return (try PseudoTerminal(master, path: path), slave)
        } catch {
            close(slave)
            throw error
        }
    }

    private init(_ master: consuming FileDescriptor, path: String) throws(MMError) {
        output = try PolledReader(try master.duplicate())
        input = try PolledWriter(try master.duplicate())
        self.master = master
        self.path = path
    }

    /// Changes the size and notifies the programs in the terminal.
    package func resize(_ size: Terminal.Size) {
        _ = mm_set_window_size(master.raw, UInt16(clamping: size.rows), UInt16(clamping: size.columns))
    }

    /// The current size.
    package var size: Terminal.Size? { Terminal.size(of: master.raw) }
}

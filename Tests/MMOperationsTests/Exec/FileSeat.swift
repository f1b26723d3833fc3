import Glibc
import MMCore
import MMShell
import MMSystem

@testable import MMOperations

/// The seat of a program whose output goes into a file.
final class FileSeat: ProgramSeat {
    let streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream)
    let terminal: Terminal.Size? = nil
    private let path: String
    private let raw: Int32
    private let during: @Sendable (WalledProgram) async -> Void
    private let asked = Mutex(0)

    /// - Parameters:
    ///   - folder: where the file is made.
    ///   - during: what is done while the program runs.
    init(in folder: String, during: @escaping @Sendable (WalledProgram) async -> Void = { _ in }) {
        path = folder + "/" + RandomBytes.text(bytes: 6)
        raw = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0o600)
        streams = (.null, .descriptor(raw), .descriptor(raw))
        self.during = during
    }

    deinit { close(raw) }

    /// What the program has written so far.
    var text: String {
        ((try? ProtectedFile.read(path, limit: 64 << 20)) ?? nil).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// How often the program stood still for a question.
    var questions: Int { asked.withLock { $0 } }

    func attend(_ program: WalledProgram) async -> ChildProcess.Exit {
        async let exit = program.exit()
        await during(program)
        return await exit
    }

    func aside<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value {
        asked.withLock { $0 += 1 }
        return await work()
    }
}

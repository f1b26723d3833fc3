import Glibc
import MMCore
import MMSystem

/// A program whose output is read line by line; it ends with this value.
final class TalkingProgram: Sendable {
    private let process: ChildProcess
    private let reader: Reader

    private actor Reader {
        private let output: PolledReader?
        private var rest: [UInt8] = []

        init(_ output: PolledReader?) { self.output = output }

        func line() async throws -> String? {
            while true {
                if let end = rest.firstIndex(of: 0x0A) {
                    let line = String(decoding: rest[..<end], as: UTF8.self)
                    rest.removeSubrange(...end)
                    return line
                }
                guard let piece = try await output?.read() else { return nil }
                rest += piece
            }
        }
    }

    init(_ program: String, _ arguments: [String], _ environment: [String: String]) async throws {
        var command = ChildCommand(program, arguments, environment: environment)
        command.input = .pipe
        command.error = .null
        process = try await ChildProcess.start(command)
        reader = Reader(process.output)
    }

    deinit { process.signalGroup(SIGKILL) }

    /// The next line.
    func line() async throws -> String {
        guard let line = try await reader.line() else { throw MMError(.internalError, "The program ended.") }
        return line
    }

    /// Writes a line to its standard input.
    func say(_ line: JSONValue) async throws {
        try await process.input?.write(JSONWriter.bytes(line) + [0x0A])
    }
}

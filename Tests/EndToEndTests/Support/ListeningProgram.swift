import MMCore
import MMSystem

/// A program whose first line says where it listens.
enum ListeningProgram {
    /// Starts it and waits until it listens.
    /// - Throws: What the program complained of, if it ends first.
    static func start(
        _ program: String, _ words: [String], _ environment: [String: String]
    ) async throws -> (process: ChildProcess, line: String) {
        var command = ChildCommand(program, words, environment: environment)
        command.output = .pipe
        command.error = .pipe
        let process = try await ChildProcess.start(command)
        var text: [UInt8] = []
        while !text.contains(0x0A), let piece = try await process.output?.read() { text += piece }
        guard let end = text.firstIndex(of: 0x0A) else {
            var complaint: [UInt8] = []
            while let piece = try await process.error?.read() { complaint += piece }
            throw MMError(.internalError, "it ended: \(String(decoding: complaint, as: UTF8.self))")
        }
        return (process, String(decoding: text[..<end], as: UTF8.self))
    }
}

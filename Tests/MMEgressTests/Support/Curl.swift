import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// The real `curl` as a process of the session.
enum Curl {
    static let path = ExecutableSearch.find("curl", path: "/usr/bin:/bin")

    /// What curl prints, with the status on a line of its own at the end.
    static func run(_ wire: TestWire, _ arguments: [String], input: [UInt8] = []) async throws -> (
        text: String, status: String
    ) {
        var environment = wire.session.environment
        environment["PATH"] = "/usr/bin:/bin"
        environment["HOME"] = wire.home.path
        let command = ChildCommand(
            try #require(path), ["-sS", "--max-time", "300", "-w", "\n%{http_code}"] + arguments,
            environment: environment)
        let done = try await ChildProcess.run(command, input: input, timeout: .seconds(400))
        let text = String(decoding: done.output, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let errors = String(decoding: done.error, as: UTF8.self)
        return (lines.dropLast().joined(separator: "\n") + errors, lines.last.map(String.init) ?? "")
    }
}

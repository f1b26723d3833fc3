import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMPowerShell

/// The stand-in that is built with the tests: `mm-sandbox pwsh`.
enum StandIn {
    /// Its path.
    static func program() throws -> String { try BuiltPrograms.path("mm-sandbox") }

    /// The folder of this test run, removed when it ends.
    private static let root: String? = {
        atexit {
            if let root = StandIn.root { TestFolder.remove(root) }
        }
        return try? TestFolder.make("/tmp/mm-powershell-tests-")
    }()

    /// A folder of one test.
    static func folder() throws -> String {
        try TestFolder.make(try #require(root) + "/")
    }

    /// Settings for a host with the stand-in.
    /// - Parameter words: the faults that it shows.
    static func settings(_ words: [String] = [], folder: String? = nil) throws -> HostSettings {
        Signals.ignoreBrokenPipes()
        var settings = HostSettings(
            location: PowerShellLocation(program: try program(), arguments: ["pwsh"] + words, reason: .named),
            folder: try folder ?? self.folder(), environment: ["HOME": "/nowhere", "XDG_RUNTIME_DIR": "/tmp"])
        // Long enough for a busy machine; tests of the last steps set their own.
        settings.times = CommandMachine.Times(
            sweepAfter: .seconds(2), terminateAfter: .seconds(100), killAfter: .seconds(2))
        return settings
    }

    /// A started host with the stand-in.
    static func host(
        _ words: [String] = [], within: Duration = .seconds(300),
        onLoss: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> PowerShellHost {
        try await PowerShellHost.start(settings(words), deadline: .after(within), onLoss: onLoss)
    }
}

extension PowerShellHost {
    /// Runs a script and reads everything, or throws its caller's error.
    func all(
        _ script: String, parameters: [String: PowerShellValue] = [:], within: Duration = .seconds(300)
    ) async throws(MMError) -> PowerShellAnswer {
        try await answer(PowerShellCommand(script, parameters: parameters), deadline: .after(within))
    }
}

/// Waits until a condition holds.
func until(
    _ what: String, within: Duration = .seconds(300), _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
    let deadline = Deadline.after(within)
    while try await !condition() {
        try #require(!deadline.hasPassed, "\(what) did not come to be")
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Whether a process runs.
func runs(_ process: Int32) -> Bool {
    guard kill(process, 0) == 0 else { return false }
    let stat = ProcFile.read("/proc/\(process)/stat", limit: 1024) ?? []
    let text = String(decoding: stat, as: UTF8.self)
    guard let close = text.lastIndex(of: ")") else { return false }
    return !text[close...].hasPrefix(") Z")
}

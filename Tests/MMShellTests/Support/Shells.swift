import Glibc
import MMCore
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMShell

/// Real shells for tests.
enum Shells {
    static let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

    /// The installed shells; tests of others don't run.
    static let installed: [ShellKind] = ShellKind.allCases.filter { (try? $0.locate(path: path)) != nil }

    static let environment = ["PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", "TMPDIR": "/tmp"]

    static func settings(_ kind: ShellKind = .bash) -> ShellSettings {
        // Writing to a shell that has just ended must not end the tests.
        Signals.ignoreBrokenPipes()
        var settings = ShellSettings(name: "test", kind: kind, environment: environment)
        // The steps that end the session come late, so that a busy machine doesn't reach them.
        settings.times.interrupt = .seconds(2)
        settings.times.terminate = .seconds(5)
        settings.times.kill = .seconds(40)
        settings.times.start = .seconds(300)
        // Only tests of this look for commands that stopped themselves.
        settings.times.stopped = .seconds(3600)
        return settings
    }

    /// A long sleep whose duration distinguishes it from those of other tests.
    static func ownSleep() -> String { "sleep 3\(UInt32.random(in: 100_000...999_999))" }

    /// Whether a process waits for something, or is gone.
    static func isAsleep(_ process: Int32) -> Bool {
        let text = String(decoding: ProcFile.read("/proc/\(process)/stat", limit: 9_999) ?? [], as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return true }
        return text[end...].dropFirst(2).first != "R"
    }

    /// Runs a body with a shell that is closed afterwards, and checks that nothing of it is left.
    static func with(
        _ kind: ShellKind = .bash, settings given: ShellSettings? = nil,
        _ body: (LocalShell) async throws -> Void
    ) async throws {
        let shell = try await LocalShell.start(given ?? settings(kind))
        do {
            try await body(shell)
        } catch {
            await shell.close()
            throw error
        }
        let process = await shell.processID.flatMap { StartedProcess($0) }
        let folder = await shell.folder
        await shell.close()
        if let process {
            #expect(!process.isAlive, "the shell is gone")
            if let folder { #expect(await eventually { access(folder, F_OK) != 0 }, "its folder is gone") }
            // Its number may have been reused, which proves nothing.
            let left = ShellSessionProcesses(shell: process.pid).others()
            #expect(left.isEmpty || StartedProcess(process.pid) != nil, "nothing it started is left")
        }
    }
}

extension ShellAnswer {
    var out: String { stdout.text }
    var err: String { stderr.text }
    var code: Int32 { end.exitCode }
}

extension LocalShell {
    /// Whether a program of this name runs in the session.
    func runs(_ program: String) -> Bool {
        guard let processID else { return false }
        return ShellSessionProcesses(shell: processID).others().contains {
            ProcFile.read("/proc/\($0.id)/comm", limit: 99) == Array((program + "\n").utf8)
        }
    }
}

extension ShellSession {
    /// Runs a command with a time limit for a busy machine.
    func sh(_ text: String, within: Duration = .seconds(300)) async throws -> ShellAnswer {
        try await run(ShellCommand(text), deadline: .after(within))
    }
}

import Glibc
import MMCore
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("Shells after the end of their pool", .timeLimit(.minutes(10)))
struct SavedShellDirectoryTests {
    private let home = JobHome()

    init() throws {
        Signals.ignoreBrokenPipes()
        mkdir(home.path, 0o700)
        mkdir(home.path + "/work", 0o755)
        mkdir(home.path + "/work/sub", 0o755)
        let file: JSONObject = ["directory": .string(home.path + "/work"), "sandbox": "guard"]
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(file)))
    }

    /// What the file says of the session's directory.
    private var saved: String? {
        get async {
            await SavedShellDirectories(path: home.services.paths.shellsFile(), log: home.services.log)
                .directory(
                    of: ShellSessionName(owner: "session:a", place: .shell, name: NamedSession.standard),
                    within: .seconds(3600))
        }
    }

    private func call(
        _ name: String, _ arguments: JSONObject, _ service: LocalOperationService
    ) async throws -> JSONValue {
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: "mm"), timeLimit: .seconds(120), sessionID: "a")
        guard case .value(let value) = try await service.call(name, arguments, in: context).body else {
            throw MMError(.internalError, "no value")
        }
        return value
    }

    /// Does work with services that keep the directories of shells, as those of a pool do.
    private func withPool(_ work: (LocalOperationService) async throws -> Void) async throws {
        let services = OperationServices(environment: home.services.environment)
        await services.saveShellDirectories()
        do { try await work(LocalOperationService(services: services)) } catch {
            await services.close()
            throw error
        }
        await services.close()
    }

    @Test("go on in their last directory, and say that they are new ones")
    func continued() async throws {
        try await withPool { service in
            let first = try await call("shell_run", ["command": "cd sub; LOST=yes"], service)
            #expect(first["session_restarted"] == nil)
            let directory = RealPath.of(home.path + "/work/sub") ?? ""
            #expect(await eventually { await saved == directory })
        }
        try await withPool { service in
            let next = try await call("shell_run", ["command": "pwd; echo \"[$LOST]\""], service)
            #expect(next["stdout"]?.string?.hasSuffix("/work/sub\n[]\n") == true)
            #expect(next["session_restarted"] == true)
            #expect(next["session_note"]?.string?.contains("without variables") == true)
            #expect(try await call("shell_run", ["command": "pwd"], service)["session_restarted"] == nil)
            _ = try await call("shell_close", ["session": .string(NamedSession.standard)], service)
        }
        try await withPool { service in
            let fresh = try await call("shell_run", ["command": "pwd"], service)
            #expect(fresh["stdout"]?.string?.hasSuffix("/work\n") == true)
            #expect(fresh["session_restarted"] == nil)
        }
    }

    @Test("are forgotten once they are closed, also if their last command ends later")
    func forgotten() async throws {
        let saved = SavedShellDirectories(path: home.services.paths.shellsFile(), log: home.services.log)
        let key = ShellSessionName(owner: "session:a", place: .shell, name: "x")
        let begun = await saved.closings(of: key)
        await saved.record("/usr", of: key, since: begun)
        #expect(await saved.directory(of: key, within: .seconds(3600)) == "/usr")
        await saved.forget(key)
        await saved.record("/usr", of: key, since: begun)
        #expect(await saved.directory(of: key, within: .seconds(3600)) == nil)
        let later = await saved.closings(of: key)
        await saved.record("/tmp", of: key, since: later)
        #expect(await saved.directory(of: key, within: .seconds(3600)) == "/tmp")
        await saved.forget(owner: "session:a")
        await saved.record("/tmp", of: key, since: later)
        #expect(await saved.directory(of: key, within: .seconds(3600)) == nil)
    }

    @Test("begin anew when they have been unused for as long as a session may be")
    func unused() async throws {
        let saved = SavedShellDirectories(path: home.services.paths.shellsFile(), log: home.services.log)
        let key = ShellSessionName(owner: "session:a", place: .shell, name: "x")
        await saved.record("/usr", of: key, since: 0)
        #expect(await saved.directory(of: key, within: .zero) == nil)
        #expect(await saved.directory(of: key, within: .seconds(3600)) == "/usr")
    }

    @Test("are judged in the directory in which they go on")
    func judged() async throws {
        try await withPool { service in
            _ = try await call("shell_run", ["command": "cd .."], service)
            let directory = RealPath.of(home.path)
            #expect(await eventually { await saved == directory })
        }
        try await withPool { service in
            // In `work` this would be a file like any other.
            let error = await #expect(throws: MMError.self) {
                _ = try await call("shell_run", ["command": "cat connections.json"], service)
            }
            #expect(error?.code == .denied)
        }
    }

    @Test("read files, too, as what they are in the directory in which they go on")
    func judgedFiles() async throws {
        mkdir(home.path + "/.gnupg", 0o700)
        try ProtectedFile.replace(home.path + "/.gnupg/keys", with: Array("key".utf8))
        try await withPool { service in
            _ = try await call("shell_run", ["command": "cd ../.gnupg"], service)
            let directory = RealPath.of(home.path + "/.gnupg")
            #expect(await eventually { await saved == directory })
        }
        try await withPool { service in
            // In `work` this would be a file like any other.
            let error = await #expect(throws: MMError.self) {
                _ = try await call(
                    "shell_read", ["session": .string(NamedSession.standard), "path": "keys"], service)
            }
            #expect(error?.code == .confirmationNeeded, "\(String(describing: error))")
        }
    }
}

import Glibc
import MMCore
import MMShell
import MMSystem
import Testing

@testable import MMOperations

private let noLandlock: Comment = "the kernel has no Landlock 6"

@Suite("Shells that no person opened at a terminal", .timeLimit(.minutes(10)))
struct DefaultWorkspaceTests {
    private static let canConfine = SandboxProfile.workspaceProblem() == nil
    private let home = JobHome()
    private let service: LocalOperationService

    init() {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(services: home.services)
        mkdir(home.path, 0o700)
    }

    private func settings(_ members: JSONObject) throws {
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(members)))
    }

    private func run(
        _ command: String, as surface: Caller.Surface, in directory: String? = nil, session: String = "default"
    ) async throws -> JSONValue {
        var context = CallContext(
            caller: Caller(surface: surface, name: "test", server: nil), timeLimit: .seconds(600),
            sessionID: "\(surface)")
        context.directory = directory
        var arguments: JSONObject = ["command": .string(command), "session": .string(session)]
        if surface == .terminal { arguments["output"] = "json" }
        guard case .value(let value) = try await service.call("shell_run", arguments, in: context).body else {
            throw MMError(.internalError, "no value")
        }
        return value
    }

    @Test(
        "are confined unless their owner says otherwise, in a folder of their own",
        .enabled(if: canConfine, noLandlock),
        arguments: [Caller.Surface.mcp, .rest, .library])
    func confined(surface: Caller.Surface) async throws {
        try ProtectedFile.replace(home.path + "/notes.txt", with: Array("private".utf8))
        let first = try await run("pwd; echo mine > f && cat f; cat ../notes.txt; echo > ../f", as: surface)
        #expect(first["sandbox"] == "workspace")
        #expect(first["sandbox_note"]?.string?.contains("\(home.path)/.m365-shells.json") == true)
        #expect(first["stdout"]?.string == "\(home.path)/m365-workspace\nmine\n", "\(first)")
        #expect(access(home.path + "/f", F_OK) != 0)
        await home.services.close()
    }

    @Test("are as they were for a person at a terminal, and for all where their owner says so")
    func unconfined() async throws {
        let person = try await run("pwd", as: .terminal, in: home.path)
        #expect(person["sandbox"] == "guard")
        #expect(person["stdout"]?.string == home.path + "\n")
        try settings(["sandbox": "guard", "directory": .string(home.path)])
        let model = try await run("pwd", as: .mcp)
        #expect(model["sandbox"] == "guard")
        #expect(model["sandbox_note"]?.string?.hasPrefix("guard: no security boundary") == true)
        await home.services.close()
    }

    @Test(
        "are judged by the walls that they have, not by those that the settings would give now",
        .enabled(if: canConfine, noLandlock))
    func kept() async throws {
        // Nothing listens there, so that the line can only fail.
        let line = "curl -sm 2 -d x http://127.0.0.9:9/ || true"
        func isAsked(_ session: String) async throws -> Bool {
            do {
                let answer = try await run(line, as: .mcp, session: session)
                #expect(answer["network_note"]?.string?.contains("curl") == true)
                return false
            } catch let error as MMError {
                #expect(error.code == .confirmationNeeded)
                return true
            }
        }
        try settings(["network": [9]])
        _ = try await run("true", as: .mcp, session: "open")
        #expect(try await isAsked("open"))
        try settings(["network": "none"])
        #expect(try await isAsked("open"))
        #expect(try await !isAsked("closed"))
        try settings(["network": "all"])
        #expect(try await !isAsked("closed"))
        try settings(["network": "egress", "hosts": ["localhost:9"]])
        #expect(try await isAsked("other"))
        try settings(["sandbox": "guard"])
        _ = try await run("true", as: .mcp, session: "bare")
        try settings(["sandbox": "workspace"])
        #expect(try await isAsked("bare"))
        await home.services.close()
    }

    @Test(
        "have the folder of their client for a workspace where that is one of its own",
        .enabled(if: canConfine, noLandlock))
    func place() async throws {
        let project = home.path + "/project"
        mkdir(project, 0o755)
        #expect(try await run("pwd", as: .mcp, in: project)["stdout"]?.string == project + "\n")
        // A program that nobody vouches for goes where it likes.
        let other = try await run("pwd", as: .library, in: project)
        #expect(other["stdout"]?.string == home.path + "/m365-workspace\n")
        await home.services.close()
    }

    @Test(
        "are not led around their walls by places that a program names", arguments: [Caller.Surface.rest, .library],
        [
            ("shell_run", ["command": "pwd", "directory": "/etc"]),
            ("shell_upload", ["from": "/etc/hostname", "path": "x"]),
            ("shell_download", ["path": "x", "to": "/tmp/mm-never"]),
            ("ssh_upload", ["host": "x.invalid", "from": "/etc/hostname", "path": "x"]),
        ] as [(String, JSONObject)])
    func places(surface: Caller.Surface, call: (String, JSONObject)) async throws {
        let context = CallContext(caller: Caller(surface: surface, name: "test", server: nil), sessionID: "x")
        do throws(MMError) {
            _ = try await service.call(call.0, call.1, in: context)
            Issue.record("it was done")
        } catch {
            #expect(error.code == .invalidInput, "\(error)")
            #expect(error.message.contains("person") || error.hint?.contains("person") == true, "\(error)")
        }
        await home.services.close()
    }

    @Test("take no folder for a workspace that holds settings, mm's own files, or more than one thing")
    func folders() throws {
        for folder in ["a", "a/b", ".config", ".config/x", "state", "state/x", "outer"] {
            mkdir(home.path + "/" + folder, 0o755)
        }
        symlink(home.path, home.path + "/a/link")
        let inner = OperationServices(environment: [
            "HOME": home.path, "MM_STATE_DIR": home.path + "/outer/state", "MM_TOKEN_DIR": home.path + "/state",
        ])
        for (folder, isAdmitted) in [
            ("a", true), ("a/b", true), ("", false), ("a/..", false), ("a/link", false), (".config", false),
            (".config/x", false), ("state", false), ("state/x", false), ("outer", false), ("nowhere", false),
        ] {
            #expect(DefaultWorkspace.admits(home.path + "/" + folder, inner.shellServices) == isAdmitted, "\(folder)")
        }
        for folder in ["/", "/etc", "/tmp"] { #expect(!DefaultWorkspace.admits(folder, inner.shellServices)) }
    }

    @Test("are not started without walls where the machine has none, and the error says whose word it takes")
    func refusal() {
        let problem = MMError(.unsupported, "The kernel is old.")
        let error = DefaultWorkspace.refusal(problem, home.services.shellServices)
        #expect(error.code == .unsupported)
        #expect(error.message.contains("The kernel is old."))
        #expect(error.hint?.contains("`\"sandbox\": \"guard\"`") == true)
        #expect(error.hint?.contains(home.path + "/.m365-shells.json") == true)
    }

    @Test("are looked at by the doctor, which says who has taken their walls away and what can't be started")
    func doctor() async throws {
        let usual = await ShellsDoctor.examine(home.services.shellServices)
        #expect(usual.isSound == Self.canConfine, "\(usual.text)")
        #expect(usual.text.contains("workspace, the default"))
        try settings(["sandbox": "guard"])
        let open = await ShellsDoctor.examine(home.services.shellServices)
        #expect(open.isSound)
        #expect(open.text.contains("guard, set by the owner: not confined"))
        try settings(["sandbox": "gard"])
        let wrong = await ShellsDoctor.examine(home.services.shellServices)
        #expect(!wrong.isSound && wrong.text.contains("`sandbox`"), "\(wrong.text)")
        #expect(access(home.path + "/m365-workspace", F_OK) != 0)
    }
}

import Glibc
import MMCore
import MMOperations
import MMSystem
import TestHosts
import TestSupport
import Testing

@testable import MMLegacy

@Suite(
    "The tools of the earlier SSH servers, on a real host",
    .enabled(if: LoopbackSSHD.missingTerminals == nil, "no sshd that allocates terminals"),
    .timeLimit(.minutes(10)))
struct SSHProfileTests {
    private let home: ServicesHome

    init() throws { home = try ServicesHome() }

    /// Calls the tools of a profile on its own host.
    private struct Tools {
        let profile: ToolProfile
        let services: OperationServices
        let place: JSONObject

        func callAsFunction(_ name: String, _ more: JSONObject = [:], isHere: Bool = true) async throws -> String {
            let tool = try #require(profile.tools.first { $0.name == name })
            var arguments = isHere ? place : [:]
            for (key, value) in more { arguments[key] = value }
            let context = CallContext(
                caller: Caller(surface: .mcp, name: "test", server: "mm"), timeLimit: .seconds(600), sessionID: "a")
            return try await tool.call(arguments, context, services).text
        }

        /// The command ID in an answer.
        func command(in answer: String) throws -> JSONValue {
            let words = answer.split(whereSeparator: \.isWhitespace)
            return .string(String(try #require(words.first { $0.hasPrefix("cmd-") }).filter { $0 != "." }))
        }
    }

    private func with(
        _ profile: ToolProfile, _ extra: String = "", _ settings: JSONObject = [:], _ body: (Tools) async throws -> Void
    ) async throws {
        Signals.ignoreBrokenPipes()
        let folder = home.path + "/sshd"
        mkdir(folder, 0o700)
        var file: JSONObject = [
            "ssh": ["config": "/dev/null", "knownHosts": .string(folder + "/known"), "hostKeys": "accept-new"]
        ]
        for (key, value) in settings { file[key] = value }
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(file)))
        let server = try await LoopbackSSHD.start(in: folder, extra)
        let tools = Tools(
            profile: profile, services: home.services,
            place: [
                "host": "127.0.0.1", "username": .string(LoopbackSSHD.user), "port": .int(Int64(server.port)),
                "key_filename": .string(folder + "/user"),
            ])
        let result: Result<Void, any Error>
        do { result = .success(try await body(tools)) } catch { result = .failure(error) }
        await home.services.close()
        await server.stop()
        try result.get()
    }

    @Test("end a command of the four tools after the owner's time limit, and say so")
    func time() async throws {
        try await with(SSHSessionProfile.profile(), "", ["commandSeconds": 1]) { (call) async throws in
            let answer = try await call("execute_command", ["command": "sleep 1000; echo after"])
            #expect(answer == "Exit Status: 124\n\nSTDERR:\nCommand timed out after 1s\n")
        }
    }

    @Test("remove a password that was passed as an argument from the answer")
    func passwords() async throws {
        let secret = "given-" + Hex.text(RandomBytes.make(8))
        try await with(SSHSessionProfile.profile()) { (call) async throws in
            let answer = try await call(
                "execute_command",
                ["command": .string("echo \(secret); echo \(secret) >&2"), "password": .string(secret)])
            #expect(answer.hasPrefix("Exit Status: 0\n\nSTDOUT:\n"))
            #expect(!answer.contains(secret))
        }
    }

    @Test("run a command on network equipment without asking for more rights", arguments: [true, false])
    func gear(isFull: Bool) async throws {
        let simulator =
            #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Fixtures/shell/gear.py"
        // Such a host interprets the command itself.
        let command =
            "[ -t 0 ] || { echo '% Unrecognized command'; exit 1; }; exec /usr/bin/python3 -u \(simulator) vrp"
        let profile = isFull ? SSHSessionFullProfile.profile() : SSHSessionProfile.profile()
        try await with(profile, "ForceCommand \(command)") { (call) async throws in
            let answer = try await call("execute_command", ["command": "display current-configuration"])
            #expect(answer.hasPrefix("Exit Status: 0\n\nSTDOUT:\nline 1 of the configuration\n"), "\(answer)")
            #expect(answer.hasSuffix("line 30 of the configuration\n"), "\(answer)")
            let wrong = try await call("execute_command", ["command": "nonsense"])
            #expect(wrong.hasPrefix("Exit Status: 1\n") && wrong.contains("Unrecognized command"), "\(wrong)")
        }
    }

    @Test("type into the running command of the session, and show its screen")
    func running() async throws {
        try await with(SSHSessionFullProfile.profile()) { (call) async throws in
            let begun = try await call(
                "execute_command_async", ["command": "echo menu; read a; echo \"got $a\"; read b; echo \"then $b\""])
            let id = try call.command(in: begun)
            func state() async throws -> String {
                try await call("get_command_status", ["command_id": id], isHere: false)
            }
            #expect(try await eventually { try await state().contains("Awaiting Input") })
            let screen = try JSONParser.parse(Array(try await call("read_screen").utf8))
            #expect(screen["lines"]?[0] == "menu", "\(screen)")
            #expect(try await call("send_input_by_session", ["input_text": "Ada\n"]).hasPrefix("Input sent"))
            #expect(try await eventually { try await state().contains("got Ada\n") })
            #expect(try await call("send_keys", ["keys": "Bo<enter>"]).hasPrefix("Successfully sent keys"))
            #expect(try await eventually { try await state().contains("Status: completed") })
            #expect(try await state().contains("then Bo\n"))
        }
    }
}

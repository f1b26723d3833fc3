import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMShell

@Suite(
    "A command line of network equipment",
    .enabled(if: access("/usr/bin/python3", X_OK) == 0, "python3 is not installed"), .timeLimit(.minutes(10)))
struct NetworkDeviceTests {
    static var simulator: String {
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Fixtures/shell/gear.py"
    }

    static func with(
        _ family: String, _ body: (ScreenSession) async throws -> Void
    ) async throws {
        let session = try await ScreenSession.start(
            name: family, program: "/usr/bin/python3", arguments: ["-u", simulator, family],
            environment: Shells.environment,
            rows: 100, columns: 200)
        do { try await body(session) } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    static func check(_ lines: [Substring], _ count: Int, _ name: String) {
        #expect(lines.count == count)
        #expect(lines.first == "line 1 of the configuration")
        #expect(lines.dropFirst(11).first == "\(name)#")
        #expect(lines.last == "line \(count) of the configuration")
    }

    @Test("of IOS: sign-in, prompts, pages, errors, modes, rights, questions")
    func ios() async throws {
        try await Self.with("ios") { (session) async throws in
            #expect(await session.wait(for: "Username:", until: .after(.seconds(300))))
            try await session.send(.line("admin"))
            #expect(await session.wait(for: "Password:", until: .after(.seconds(300))))
            try await session.send(.secret(Secret("cisco")))
            #expect(try await session.learnPrompt(deadline: .after(.seconds(300))).stem == "sw1")
            let paged = try await session.patient("show run")
            Self.check(paged.text.split(separator: "\n"), 100, "sw1")
            #expect(paged.pages == 4)
            #expect(paged.prompt == "sw1>")
            let wrong = try await session.patient("nonsense")
            #expect(wrong.error == "% Invalid input detected at '^' marker.")
            await #expect(throws: MMError.self) {
                try await session.enable(password: Secret("wrong"), deadline: .after(.seconds(300)))
            }
            #expect(
                try await session.enable(password: Secret("secret"), deadline: .after(.seconds(300))).prompt == "sw1#")
            #expect(!session.view.text.contains("secret"))
            _ = try await session.patient("terminal length 0")
            let whole = try await session.patient("show run")
            Self.check(whole.text.split(separator: "\n"), 100, "sw1")
            #expect(whole.pages == 0)
            #expect(try await session.patient("conf t").prompt == "sw1(config)#")
            #expect(try await session.patient("interface Gi0/1").prompt == "sw1(config-if)#")
            #expect(try await session.patient("end").prompt == "sw1#")
            #expect(try await session.patient("slow").text == "part 0\npart 1\npart 2")
            let asked = try await session.patient("reload")
            #expect(asked.question?.hasSuffix("[confirm]") == true)
            await #expect(throws: MMError.self) { try await session.patient("show run") }
            #expect(try await session.answer(.keys(["enter"]), deadline: .after(.seconds(300))).prompt == "sw1#")
            await #expect(throws: MMError.self) { try await session.run("hang", deadline: .after(.milliseconds(500))) }
            #expect(try await session.patient("end").prompt == "sw1#")
            try await session.send(.line("exit"))
            #expect(await eventually { session.hasEnded })
            await #expect(throws: MMError.self) { try await session.patient("show run") }
        }
    }

    @Test("questions with other texts, over several lines, and a changed name work")
    func questions() async throws {
        try await Self.with("ios") { (session) async throws in
            #expect(await session.wait(for: "Username:", until: .after(.seconds(300))))
            try await session.send(.line("admin"))
            #expect(await session.wait(for: "Password:", until: .after(.seconds(300))))
            try await session.send(.secret(Secret("cisco")))
            _ = try await session.learnPrompt(deadline: .after(.seconds(300)))
            _ = try await session.enable(password: Secret("secret"), deadline: .after(.seconds(300)))
            let asked = try await session.patient("copy run start")
            #expect(asked.question?.contains("Destination filename [startup-config]?") == true)
            let copied = try await session.answer(.line("other"), deadline: .after(.seconds(300)))
            #expect(copied.text.hasSuffix("[OK] other"))
            let free = try await session.patient("write erase")
            #expect(free.question?.hasSuffix("Continue? ") == true || free.question?.hasSuffix("Continue?") == true)
            #expect(try await session.answer(.line("no"), deadline: .after(.seconds(300))).text.hasSuffix("kept"))
            let lines = try await session.run(
                lines: "conf t\nhostname core-2.lab\ninterface Gi0/1\nend\n", deadline: .after(.seconds(300)))
            #expect(lines.prompt == "core-2.lab#")
            #expect(lines.error == nil)
            #expect(try await session.patient("slow").text == "part 0\npart 1\npart 2")
            let wrong = try await session.run(lines: "slow\nnonsense\nslow", deadline: .after(.seconds(300)))
            #expect(wrong.error?.hasPrefix("line 2, “nonsense”: % Invalid input") == true)
            #expect(wrong.text.hasPrefix("part 0\npart 1\npart 2\n"))
        }
    }

    @Test(
        "a new name is recognised in the mode of the old one, and nothing else is mistaken for one",
        arguments: [
            ("sw1#", "core#", true), ("sw1(config)#", "core-2.lab(config)#", true), ("[core]", "[edge]", true),
            ("admin@r1# ", "admin@r2# ", true), ("sw1(config)#", "core#", false), ("sw1#", "a word#", false),
            ("sw1#", "#", false), ("sw1#", "core>", false), ("[core]", "Continue [core]", false),
        ])
    func renamed(_ last: String, _ line: String, _ isNew: Bool) throws {
        let prompt = try #require(NetworkDevicePrompt(line: last))
        let renamed = prompt.renamed(line, since: last)
        #expect((renamed != nil) == isNew)
        if let renamed { #expect(renamed.matches(line)) }
    }

    @Test("of Junos: prompts with blanks, overwritten pages, configuration mode")
    func junos() async throws {
        try await Self.with("junos") { (session) async throws in
            let paged = try await session.patient("show configuration")
            Self.check(paged.text.split(separator: "\n"), 40, "r1")
            #expect(paged.pages == 3)
            #expect(try await session.patient("configure").prompt.hasPrefix("admin@r1#"))
            #expect(try await session.patient("exit").prompt.hasPrefix("admin@r1>"))
            #expect(try await session.patient("gibberish").error == "unknown command.")
        }
    }

    @Test("of VRP: changing brackets, pages erased by sequences, yes or no")
    func vrp() async throws {
        try await Self.with("vrp") { (session) async throws in
            let paged = try await session.patient("display current-configuration")
            Self.check(paged.text.split(separator: "\n"), 30, "core")
            #expect(try await session.patient("system-view").prompt == "[core]")
            #expect(try await session.patient("interface GigabitEthernet0/0/1").prompt == "[core-GigabitEthernet0/0/1]")
            #expect(try await session.patient("return").prompt == "<core>")
            let saved = try await session.patient("save", answers: [("[Y/N]", .line("y"))])
            #expect(saved.text.hasSuffix("saved"))
            #expect(try await session.patient("bogus").error?.hasPrefix("Error: Unrecognized command") == true)
        }
    }

    @Test("is reached over SSH", TestSSHD.givesTerminals)
    func remote() async throws {
        try await TestSSHD.with("ForceCommand /usr/bin/python3 -u \(Self.simulator) vrp") { (server) async throws in
            let masters = SSHSessionTests.masters()
            let session = try await ScreenSession.connect(
                server.target, masters: masters, admission: nil, deadline: .after(.seconds(300)))
            let answer = try await session.patient("display current-configuration")
            Self.check(answer.text.split(separator: "\n"), 30, "core")
            #expect(answer.pages > 0)
            await session.close()
            #expect(await masters.count == 0)
        }
    }

    @Test("full-screen programs can be read and typed into")
    func fullScreen() async throws {
        let session = try await ScreenSession.start(
            name: "sh", program: "/bin/sh",
            arguments: [
                "-c", "printf '\\033[?1049h\\033[2;5Hmenu'; read x; printf '\\033[?1049lchosen %s' \"$x\"; sleep 300",
            ],
            environment: Shells.environment)
        #expect(await session.wait(for: "menu", until: .after(.seconds(300))))
        #expect(session.view.isAlternate)
        #expect(session.view.lines[1] == "    menu")
        try await session.send(.line("3"))
        #expect(await session.wait(for: "chosen 3", until: .after(.seconds(300))))
        #expect(!session.view.isAlternate)
        await session.close()
    }
}

extension ScreenSession {
    /// Runs a command with a time limit for a busy machine.
    fileprivate func patient(_ command: String, answers: [(text: String, input: ShellInput)] = []) async throws
        -> Answer
    {
        try await run(command, answers: answers, deadline: .after(.seconds(300)))
    }
}
